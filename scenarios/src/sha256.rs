//! `sha256`: work for the CPU.
//!
//! - **Operation**: the SHA-256 digest of `bytes`, inline in the task or handed to a pool
//!   (`handoff`). Small sizes are timed in batches of `ops`.
//! - **Session**: nothing is kept; all hash the same input, which is only read.
//! - **Not measured**: making the input; comparing digests, which happens after the slice.
//! - **Stands for**: checksums, compression, rendering, anything that computes between waits.
//! - **Claims**: C9, C10, C11 (async does not speed up computation; threads do; concurrency is not
//!   parallelism).

use std::{convert::Infallible, hint, io, sync::Arc, time::Duration};

use deadheat_core::{
    env::{Env, Handoff},
    model::{ModelInfo, Places},
    record::Metric,
    scenario::{
        Course, Cx, Description, Param, ParamKind, Reason, Scenario, Sessions, Setup, Tier,
    },
};
use sha2::{Digest, Sha256 as Sha2};

/// The scenario.
#[derive(Debug)]
pub struct Sha256 {
    input: Vec<u8>,
    handoff: Handoff,
    /// Worked out once: doing it for every sample would double the load.
    expected: u64,
}

const PARAMS: &[Param] = &[
    Param {
        name: "bytes",
        default: "16384",
        kind: ParamKind::Number(1, 16 << 20),
        about: "size of what is hashed",
    },
    Param {
        name: "handoff",
        default: "inline",
        kind: ParamKind::Choice(&["inline", "pool", "rayon"]),
        about: "where it is hashed: in the task, on the runtime's blocking pool, on rayon's",
    },
    Param {
        name: "ops",
        default: "1",
        kind: ParamKind::Number(1, 1_000_000),
        about: "operations that are timed as one",
    },
    Param {
        name: "conns",
        default: "64",
        kind: ParamKind::Number(1, 10_000),
        about: "sessions of an open load or a batch",
    },
];

fn handoff(setup: &Setup<'_>) -> Handoff {
    match setup.params.text("handoff") {
        Some("pool") => Handoff::Pool,
        Some("rayon") => Handoff::Rayon,
        _ => Handoff::Inline,
    }
}

/// The first eight bytes of the digest: an operation's work, which is also compiled into programs that
/// do it by hand. Two copies of it differ by 10 ns, which would be nobody's doing.
#[inline(never)]
pub fn digest(input: &[u8]) -> u64 {
    let digest = Sha2::digest(hint::black_box(input));
    digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

impl Scenario for Sha256 {
    const ID: &'static str = "sha256";
    type Session<E: Env> = ();
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "the SHA-256 digest of 16 KiB",
            stands_for: "computing between waits: checksums, compression, rendering",
            params: PARAMS,
            courses: &[Course {
                load: "closed-4",
                params: "",
                placement: "free",
                tier: Tier::Default,
            }],
            primary: Some(Metric::Throughput),
            reference: "rayon/pool",
            // A gigabyte per second is about what a core does.
            typical: |params| Duration::from_nanos(params.number("bytes").unwrap_or(16_384)),
            sessions: Sessions::Conns,
            solo_steps: 0,
            claims: &["C9", "C10", "C11"],
        }
    }

    fn fits(model: &ModelInfo, setup: &Setup<'_>) -> Result<(), Reason> {
        if handoff(setup) != Handoff::Inline && model.places != Places::Tasks {
            return Err("its tasks may block: there is nothing to hand over".into());
        }
        Ok(())
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let bytes = setup.params.size("bytes").unwrap_or(16_384);
        let input: Vec<u8> = b"deadheat".iter().copied().cycle().take(bytes).collect();
        Ok(Self { expected: digest(&input), input, handoff: handoff(setup) })
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        let digest = match cx.scenario.handoff {
            Handoff::Inline => digest(&cx.scenario.input),
            elsewhere => {
                let scenario = Arc::clone(&cx.scenario);
                cx.env.run(elsewhere, move || digest(&scenario.input)).await?
            }
        };
        Ok(digest ^ seq)
    }

    fn expected(&self, seq: u64) -> u64 {
        self.expected ^ seq
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_known_digest() {
        // FIPS 180-2, appendix B.1: the digest of "abc" starts with ba7816bf 8f01cfea.
        assert_eq!(digest(b"abc"), 0xba78_16bf_8f01_cfea_u64.swap_bytes());
    }
}
