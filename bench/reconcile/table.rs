//! What was measured, as Markdown.

use std::collections::BTreeSet;

use crate::{
    Dropped,
    calls::{self, Calls},
    child::Change,
    contestant::Contestant,
    data::Size,
    figures::{median, percentile},
    took::Took,
    wanted::Wanted,
};

/// The rounds of all contestants.
type Results = [(Contestant, Vec<(Took, Calls)>)];

/// How much is made.
pub fn wanted(wanted: &Wanted) {
    let Wanted { topics, acls, users } = wanted;
    println!("\n{} topics, {} ACLs, {} users.", topics.len(), acls.len(), users.len());
}

/// Who makes all of it in which time: medians over the rounds, and the calls of the last one.
pub fn contest(results: &Results) {
    println!("\n| who | time | ratio | CPU of the process | ratio | calls |\n|---|---:|---:|---:|---:|---:|");
    let of = |(contestant, rounds): &(Contestant, Vec<(Took, Calls)>), pick: fn(&Took) -> f64| {
        f64::from(contestant.part) * median(rounds.iter().map(|(took, _)| pick(took)))
    };
    let [wall, cpu]: [fn(&Took) -> f64; 2] = [|took| took.wall, |took| took.cpu];
    let mut columns = Vec::new();
    for result in results {
        let (contestant, rounds) = result;
        let calls = rounds.last().map(|(_, calls)| calls.clone().times(contestant.part)).unwrap_or_default();
        println!(
            "| {} | {:.2} s | {:.2} | {:.2} s | {:.2} | {} |",
            contestant.name,
            of(result, wall),
            of(result, wall) / of(&results[1], wall),
            of(result, cpu),
            of(result, cpu) / of(&results[1], cpu),
            calls.all()
        );
        columns.push((contestant.name, calls));
    }
    let columns: Vec<_> = columns.iter().map(|(name, calls)| (*name, calls, 1)).collect();
    self::calls(&columns);
}

/// Calls by api key; a column each, divided by how often the same was done.
pub fn calls(columns: &[(&str, &Calls, u32)]) {
    let names: Vec<_> = columns.iter().map(|(name, ..)| *name).collect();
    println!("\n| call | {} |\n|---|{}", names.join(" | "), "---:|".repeat(columns.len()));
    let keys: BTreeSet<_> = columns.iter().flat_map(|(_, calls, _)| calls.keys()).collect();
    for key in keys {
        row(&calls::name(key), columns, |calls| calls.of(key));
    }
    row("of logins", columns, Calls::logins);
}

fn row(name: &str, columns: &[(&str, &Calls, u32)], pick: impl Fn(&Calls) -> u32) {
    let cells = columns.iter().map(|(_, calls, times)| {
        let (count, times) = (pick(calls), *times);
        if count % times == 0 {
            (count / times).to_string()
        } else {
            format!("{:.1}", f64::from(count) / f64::from(times))
        }
    });
    println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
}

/// What a pass that was dropped costs in calls that write and that read, beside one that was not.
pub fn dropped(undisturbed: &Calls, dropped: &[Dropped]) {
    println!("\n| dropped after | writes before | afterwards | more than undisturbed | reads afterwards | more |");
    println!("|---:|---:|---:|---:|---:|---:|");
    let reads = |calls: &Calls| calls.all() - calls.writes();
    for Dropped { at, before, after } in dropped {
        println!(
            "| {:.0} % | {} | {} | {} | {} | {} |",
            at * 100.0,
            before.writes(),
            after.writes(),
            i64::from(before.writes()) + i64::from(after.writes()) - i64::from(undisturbed.writes()),
            reads(after),
            i64::from(reads(after)) - i64::from(reads(undisturbed))
        );
    }
}

/// A pass over what has converged.
pub fn looks(looks: &[Took]) {
    println!("\n| a pass over what has converged | median | at most |\n|---|---:|---:|");
    let picks: [fn(&Took) -> f64; 2] = [|took| took.wall, |took| took.cpu];
    for (name, pick) in ["time", "CPU"].into_iter().zip(picks) {
        let of = |percent| percentile(looks.iter().map(pick), percent);
        println!("| {name} | {:.3} s | {:.3} s |", of(50), of(100));
    }
}

/// From a commit to the result that was read back.
pub fn changes(changes: &[Change]) {
    println!("\n| change | p50 | p99 |\n|---|---:|---:|");
    for Change { kind, seconds } in changes {
        let of = |percent| percentile(seconds.iter().copied(), percent) * 1000.0;
        println!("| {kind} | {:.0} ms | {:.0} ms |", of(50), of(99));
    }
}

/// What hashing one password costs, and how often that is done.
pub fn hashing(own: f64, results: &Results, users: usize) {
    let (contestant, rounds) = &results[1];
    let users = u32::try_from(users).map_or(f64::NAN, f64::from);
    let java = f64::from(contestant.part) * median(rounds.iter().map(|(took, _)| took.hashing)) * 1000.0 / users;
    println!("\n| hashing a password | CPU | ratio | how often |\n|---|---:|---:|---|");
    println!("| EBM | {own:.2} ms | {:.2} | once, when it is made |", own / java);
    println!("| Java client | {java:.2} ms | 1.00 | whenever it is stored |");
}

/// The most memory of a process.
pub fn memory(memory: &[(Size, f64, f64)]) {
    println!("\n| channels | ACLs | memory while all is made, MiB | while it is looked at |\n|---:|---:|---:|---:|");
    for (Size { channels, acls }, making, looking) in memory {
        println!("| {channels} | {acls} | {:.0} | {:.0} |", making / 1024.0, looking / 1024.0);
    }
}
