//! What a model's own machinery costs per operation, where the operation is nothing: with a task
//! per session (`turn`: the way back to the next operation) and with a task per operation
//! (`spawn`: start, run, end). `cargo bench --bench dispatch`.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};

fn dispatch(c: &mut Criterion) {
    for (kind, load) in [("turn", "closed-1"), ("spawn", "closed-1-spawn")] {
        for model in support::models() {
            let mut course = support::Course::new(model, load);
            c.bench_function(&format!("dispatch/{kind}/{model}"), |b| {
                b.iter_custom(|n| course.time(n));
            });
        }
    }
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
