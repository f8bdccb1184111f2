//! What was measured, as Markdown.

use crate::{
    figures::median,
    load::{Size, Timing},
};

/// Bytes of pages.
pub fn bytes(sizes: &[(&'static str, Size)]) {
    println!("\n| page | bytes (brotli) | its files | first load |\n|---|---:|---:|---:|");
    for (name, Size { page, files }) in sizes {
        println!("| {name} | {page} | {files} | {} |", page + files);
    }
}

/// Latency of pages at both sizes: medians over the rounds.
pub fn latency(sizes: &[u32], timings: &[Vec<((&'static str, u32), Timing)>]) {
    let [few, many] = [0, 1].map(|n| sizes[n]);
    println!(
        "\n| page | per second | p50, {few} channels | p99 | p50, {many} channels | p99 | p99 ratio |\n|---|---:|---:|---:|---:|---:|---:|"
    );
    let mut names: Vec<(&str, u32)> = Vec::new();
    for (name, _) in &timings[0] {
        if !names.contains(name) {
            names.push(*name);
        }
    }
    for (name, rate) in names {
        let of = |n: usize, pick: fn(&Timing) -> f64| {
            let of_page = timings[n].iter().filter(|((other, _), _)| *other == name);
            median(of_page.map(|(_, timing)| pick(timing)))
        };
        let [p50, p99] = [|t: &Timing| t.p50, |t: &Timing| t.p99];
        let ratio = of(1, p99) / of(0, p99);
        println!(
            "| {name} | {rate} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms | {ratio:.2} |",
            of(0, p50),
            of(0, p99),
            of(1, p50),
            of(1, p99)
        );
    }
}

/// Pages per CPU second of both servers.
pub fn rates(sizes: &[u32], rates: &[[Vec<f64>; 2]]) {
    println!("\n| channels | ebm, pages per CPU second | by hand | ratio |\n|---:|---:|---:|---:|");
    for (size, [ebm, peer]) in sizes.iter().zip(rates) {
        let (ebm, peer) = (median(ebm.iter().copied()), median(peer.iter().copied()));
        println!("| {size} | {ebm:.0} | {peer:.0} | {:.2} |", ebm / peer);
    }
}

/// Memory of `ebm serve`.
pub fn memory(memory: &[(u32, [u64; 2])]) {
    println!("\n| channels | memory, MiB | at most |\n|---:|---:|---:|");
    for (size, [now, most]) in memory {
        println!("| {size} | {} | {} |", now / 1024, most / 1024);
    }
}
