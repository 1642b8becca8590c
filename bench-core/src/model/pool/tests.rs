//! Whose operations a pool runs, and in what order.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::*;

const SESSIONS: usize = 4;
const OPERATIONS: usize = 50;

/// Whose operations were done, in their order, by sessions that waited at a gate which was opened
/// from outside.
fn order<Q: Queue>(queue: &Q) -> Vec<usize> {
    let (log, waiting) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (opener, gate) = unbounded::<()>();
    thread::scope(|scope| {
        let seen = Arc::clone(&waiting);
        scope.spawn(move || {
            while seen.load(SeqCst) < SESSIONS {
                thread::yield_now();
            }
            drop(opener);
        });
        run_all(queue, SESSIONS, |i| {
            let (env, gate) = (Pooled(queue.clone()), gate.clone());
            let (log, waiting) = (Arc::clone(&log), Arc::clone(&waiting));
            async move {
                waiting.fetch_add(1, SeqCst);
                let _ = gate.recv().await;
                for _ in 0..OPERATIONS {
                    log.lock().unwrap().push(i);
                    env.turn().await;
                }
            }
        });
    });
    let log = log.lock().unwrap();
    log.clone()
}

/// From when all have begun until the first has ended, nobody is ahead by more than an operation.
fn is_in_turn(order: &[usize]) -> bool {
    let first = |session| order.iter().position(|who| *who == session);
    let last = |session| order.iter().rposition(|who| *who == session);
    let begun = (0..SESSIONS).map(first).max().flatten().unwrap_or(usize::MAX);
    let ended = (0..SESSIONS).map(last).min().flatten().unwrap_or(0);
    let mut done = [0_usize; SESSIONS];
    begun < ended
        && order[begun..=ended].iter().all(|who| {
            done[*who] += 1;
            let (low, high) = (done.iter().min(), done.iter().max());
            high.zip(low).is_some_and(|(high, low)| high - low <= 1)
        })
}

#[test]
fn one_worker_serves_sessions_in_turn() {
    assert!(is_in_turn(&[0, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0]));
    assert!(!is_in_turn(&[0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]), "one after the other");
    assert!(!is_in_turn(&[0, 1, 2, 3, 3, 3, 0, 1, 2, 3]));
    let one = workers(1, "one").unwrap();
    for order in [order(&one), order(&InTurn(one))] {
        assert!(is_in_turn(&order), "{order:?}");
    }
    #[cfg(feature = "rayon")]
    {
        let given = Given { workers: 1, blocking: 1, pool: 1 };
        let rayon: crate::model::rayon::Rayon = Model::start(&given).unwrap();
        let order = order(&rayon);
        assert!(is_in_turn(&order), "{order:?}");
    }
}
