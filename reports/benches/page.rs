//! How long a page of a thousand cells takes, and how large it is:
//! `cargo bench -p deadheat-reports --bench page`.

#![expect(clippy::print_stderr, reason = "a bench for people")]

use criterion::{Criterion, criterion_group, criterion_main};
use deadheat_reports::{Options, find};

#[path = "../tests/support/records.rs"]
mod records;

fn page(criterion: &mut Criterion) {
    let record = records::huge();
    let cells: usize = record.races.iter().map(|race| race.contenders.len()).sum();
    let html = find("html").expect("html is built");
    let render = || (html.render)(&record, &Options::default()).expect("it renders");
    eprintln!("{cells} cells: {} bytes", render()[0].bytes.len());
    criterion.bench_function("page/1000-cells", |bencher| bencher.iter(render));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = page
}
criterion_main!(benches);
