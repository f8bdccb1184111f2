//! What was measured, as Markdown.

use ebm::domain::bridge::Direction;

use crate::{
    row::Row,
    tally::Sums,
    trial::{Load, Took},
};

/// A table: its columns, and what each contestant fills them with; the first column is its name.
fn table(columns: &[&str], rows: &[Row], cells: impl Fn(&Row) -> Vec<String>) {
    println!("\n| who | {} |\n|---|{}", columns.join(" | "), "---:|".repeat(columns.len()));
    for row in rows {
        let mut cells = if row.all().next().is_some() {
            cells(row)
        } else if row.contestant.is_here() {
            vec!["failed".to_owned()]
        } else {
            vec!["not here".to_owned()]
        };
        cells.resize(columns.len(), String::new());
        println!("| {} | {} |", row.contestant.name(), cells.join(" | "));
    }
}

/// What moving an event costs, with few and with many attributes, and what was lost on the way.
pub fn cost(direction: Direction, rows: &[Row], [few, many]: [Load; 2]) {
    let way = if direction == Direction::Outbound { "Kafka → SQS" } else { "SQS → Kafka" };
    println!("\n## {way}\n\n{} events; CPU seconds are of 100,000.", few.events);
    let [few_attributes, many_attributes] = [few, many].map(|load| format!("CPU-s, {} attributes", load.attributes));
    let columns = [
        few_attributes.as_str(),
        "ratio",
        many_attributes.as_str(),
        "ratio",
        "memory, MiB",
        "SQS requests of 100,000",
        "missing",
        "twice",
        "attributes lost",
        "not ours",
    ];
    let floor = |load| rows[1].median(load, Took::cpu);
    table(&columns, rows, |row| {
        let mut cells = Vec::new();
        for load in [few, many] {
            let cpu = row.median(load, Took::cpu);
            cells.extend([format!("{cpu:.2}"), format!("{:.2}", cpu / floor(load))]);
        }
        cells.extend([Took::memory, Took::requests].map(|pick| format!("{:.0}", row.median(few, pick))));
        let picks: [fn(&Sums) -> u32; 4] =
            [|sums| sums.missing, |sums| sums.repeated, |sums| sums.reduced, |sums| sums.foreign];
        let worst = |pick: fn(&Sums) -> u32| row.all().map(|took| pick(&took.sums)).max().unwrap_or_default();
        cells.extend(picks.map(|pick| worst(pick).to_string()));
        cells
    });
}

/// Events per second, with answers at once and later.
pub fn rates(rows: &[Row], loads: &[Load]) {
    let mut columns = Vec::new();
    for load in loads {
        columns.push(format!("events/s at {} ms", load.latency_ms));
        if load.latency_ms > 0 {
            columns.extend(["calls at a time".to_owned(), "of what these can".to_owned()]);
        }
    }
    let columns: Vec<_> = columns.iter().map(String::as_str).collect();
    table(&columns, rows, |row| {
        let mut cells = Vec::new();
        for load in loads {
            cells.push(format!("{:.0}", row.median(*load, Took::rate)));
            if load.latency_ms > 0 {
                cells.push(format!("{:.0}", row.median(*load, Took::calls)));
                cells.push(format!("{:.2}", row.median(*load, Took::use_of_calls)));
            }
        }
        cells
    });
}

/// How long an event takes.
pub fn latencies(rows: &[Row]) {
    let columns = ["alone, p50", "p99", "at half load, p50", "p99"];
    table(&columns, rows, |row| {
        let [p50, p99] = [50, 99].map(|percent| row.latency(percent));
        [p50[0], p99[0], p50[1], p99[1]].map(|latency| format!("{latency:.1} ms")).to_vec()
    });
}

/// What an event costs with more workers; the first row has one.
pub fn workers(rows: &[Row], load: Load) {
    table(&["CPU-s of 100,000", "ratio to one", "events/s"], rows, |row| {
        let cpu = row.median(load, Took::cpu);
        let ratio = cpu / rows[0].median(load, Took::cpu);
        vec![format!("{cpu:.2}"), format!("{ratio:.2}"), format!("{:.0}", row.median(load, Took::rate))]
    });
}
