//! Thousands of random schedules over the lanes: faults, lost answers, rebalances, kills and soft ends, against an
//! oracle outside of them. A failing schedule prints its seed; `EBM_SEED` runs that one alone, and `EBM_SCHEDULES` says
//! how many are run.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::*;

const SCHEDULES: u64 = 10_000;
const TOPICS: [&str; 2] = ["businessevents.a.s", "businessevents.b.s"];
const PARTITIONS: i32 = 2;
const WINDOW: usize = 12;

/// Xorshift: the schedule is decided by the seed alone.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// What a record of the log is for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// To be delivered.
    Routed,
    /// Of a type without a route.
    PassedOver,
    /// A dead letter.
    Poison,
}

struct Log {
    records: BTreeMap<(Partition, i64), (Record, Kind)>,
    committed: HashMap<Partition, i64>,
    ends: HashMap<Partition, i64>,
}

fn log(dice: &mut Dice) -> Log {
    let mut log = Log { records: BTreeMap::new(), committed: HashMap::new(), ends: HashMap::new() };
    for partition in partitions() {
        let mut offset = 0;
        for seq in 0..dice.below(40) {
            // Compaction and transactions leave gaps.
            offset += if dice.percent(10) { 1 + i64::try_from(dice.below(5)).unwrap() } else { 0 };
            let kind = [Kind::Routed, Kind::Routed, Kind::Routed, Kind::PassedOver, Kind::Poison][dice.below(5)];
            let id = format!("{partition}/{offset}");
            let ce = |name: &str, value: &str| (format!("ce_{name}"), Some(value.as_bytes().to_vec()));
            let kind_name = if kind == Kind::PassedOver { "other" } else { "placed" };
            let mut headers = vec![ce("id", &id), ce("source", "/s"), ce("specversion", "1.0"), ce("type", kind_name)];
            if kind == Kind::Poison {
                headers.push(ce("id", "again"));
            }
            let record = Record {
                partition: partition.clone(),
                offset,
                timestamp: 0,
                key: (!dice.percent(10)).then(|| format!("k{}", dice.below(4)).into_bytes()),
                headers,
                headers_readable: true,
                value: Some(seq.to_string().into_bytes()),
            };
            log.records.insert((partition.clone(), offset), (record, kind));
            offset += 1;
        }
        log.committed.insert(partition.clone(), 0);
        log.ends.insert(partition, offset);
    }
    log
}

fn partitions() -> Vec<Partition> {
    let partition = |topic: &str, number| Partition { topic: topic.into(), number };
    TOPICS.iter().flat_map(|topic| (0..PARTITIONS).map(move |number| partition(topic, number))).collect()
}

/// Where the routes begin: known, or not before.
type Starts = BTreeMap<Partition, Start>;

fn lanes(fifo: bool, mode: Mode, starts: &Starts) -> Lanes {
    let route = |(index, topic): (usize, &&str)| Route {
        id: RouteId(Uuid::from_u128(index as u128)),
        topic: (**topic).into(),
        kind: "placed".into(),
        // Both lanes lead to one queue in FIFO schedules.
        queue: if fifo { 0 } else { index },
        mode,
        starts: starts.iter().filter(|(p, _)| *p.topic == **topic).map(|(p, start)| (p.number, *start)).collect(),
    };
    let target = || Target { address: "q".into(), fifo, max_message: 300 };
    Lanes::new("c".into(), TOPICS.iter().enumerate().map(route).collect(), vec![target(), target()], Aside::new())
}

/// The queue, and what it took.
#[derive(Default)]
struct Oracle {
    /// Deduplication ids seen (FIFO).
    seen: HashSet<String>,
    /// What was taken, in order: id, group.
    taken: Vec<(String, Option<String>)>,
    ids: HashSet<String>,
    dead: HashSet<(Partition, i64)>,
    /// How many repeats a FIFO queue swallowed: it does so for five minutes only.
    swallowed: usize,
}

impl Oracle {
    fn take(&mut self, entry: &Entry) {
        if entry.deduplication.as_ref().is_none_or(|id| self.seen.insert(id.clone())) {
            let id = entry.message.attributes.iter().find(|(name, _)| name == "ce_id").unwrap().1.clone();
            self.ids.insert(id.clone());
            self.taken.push((id, entry.group.clone()));
        } else {
            self.swallowed += 1;
        }
    }
}

fn fault(dice: &mut Dice) -> Fault {
    [
        Fault::Throttled,
        Fault::Unavailable("503".into()),
        Fault::AccessDenied("403".into()),
        Fault::Refused("400".into()),
        Fault::TooLarge,
    ][dice.below(5)]
    .clone()
}

/// An answer of the queue, with what it takes. Gives whether something was taken that was not said.
fn answer(dice: &mut Dice, oracle: &mut Oracle, request: &Request, faults: bool, losses: bool) -> (Answer, bool) {
    if losses && dice.percent(10) {
        request.entries.iter().for_each(|entry| oracle.take(entry));
        return (Err(Fault::Unreachable("no answer".into())), true);
    }
    if faults && dice.percent(15) {
        return (Err(fault(dice)), false);
    }
    let mut results = Vec::new();
    for entry in &request.entries {
        if faults && dice.percent(20) {
            results.push(Err(fault(dice)));
        } else {
            oracle.take(entry);
            results.push(Ok(()));
        }
    }
    (Ok(results), false)
}

struct World {
    dice: Dice,
    log: Log,
    oracle: Oracle,
    lanes: Lanes,
    /// Per assigned partition the next offset to receive.
    reading: HashMap<Partition, i64>,
    requests: Vec<Request>,
    letters: Vec<DeadLetter>,
    /// What is on its way to be kept.
    begins: Vec<Begin>,
    /// What is kept.
    starts: Starts,
    credit: HashMap<Arc<str>, usize>,
    now: Duration,
    /// The most duplicates that are excused.
    excused: usize,
    fifo: bool,
    mode: Mode,
    /// How many events the queue is said to have taken before earlier ones of their group.
    reordered: u64,
}

impl World {
    fn begin(&mut self) {
        self.lanes = lanes(self.fifo, self.mode, &self.starts);
        self.reading.clear();
        self.requests.clear();
        self.letters.clear();
        self.begins.clear();
        self.credit = TOPICS.iter().map(|topic| (Arc::from(*topic), WINDOW)).collect();
        for partition in partitions() {
            self.assign(partition);
        }
    }

    fn assign(&mut self, partition: Partition) {
        let least = self.starts.get(&partition).map_or(0, |start| start.least());
        let place = self.log.committed[&partition].max(least);
        self.lanes.assign(partition.clone(), place);
        self.reading.insert(partition, place);
    }

    /// Whether a partition is committed up to its end; nothing is where its route begins there.
    fn is_read(&self, partition: &Partition) -> bool {
        let end = self.log.ends[partition];
        self.log.committed[partition].max(self.starts.get(partition).map_or(0, |start| start.least())) >= end
    }

    fn receive(&mut self) {
        let assigned: Vec<_> = self.reading.keys().cloned().collect();
        if assigned.is_empty() {
            return;
        }
        let partition = assigned[self.dice.below(assigned.len())].clone();
        for _ in 0..=self.dice.below(12) {
            let from = self.reading[&partition];
            let next = self.log.records.range((partition.clone(), from)..).next();
            let Some(((found, offset), (record, _))) = next else { return };
            let credit = self.credit.get_mut(&partition.topic).unwrap();
            if *found != partition || *credit == 0 {
                return;
            }
            *credit -= 1;
            self.reading.insert(partition.clone(), offset + 1);
            self.lanes.accept(record.clone());
        }
    }

    fn send(&mut self) {
        while let Some(request) = self.lanes.take_request(self.now) {
            assert!((1..=10).contains(&request.entries.len()));
            let groups = |request: &Request| -> Vec<_> {
                let mut groups: Vec<_> = request.entries.iter().filter_map(|entry| entry.group.clone()).collect();
                if self.mode == Mode::Batched {
                    groups.sort_unstable();
                    groups.dedup();
                }
                groups
            };
            let in_flight: Vec<_> = self.requests.iter().chain([&request]).flat_map(groups).collect();
            let distinct: HashSet<_> = in_flight.iter().collect();
            assert_eq!(in_flight.len(), distinct.len(), "a group is in flight once");
            self.requests.push(request);
        }
    }

    fn settle(&mut self, faults: bool, losses: bool) {
        if self.requests.is_empty() {
            return;
        }
        let index = self.dice.below(self.requests.len());
        let request = self.requests.swap_remove(index);
        let (answer, unsaid) = answer(&mut self.dice, &mut self.oracle, &request, faults, losses);
        self.excused += if unsaid { request.entries.len() } else { 0 };
        let chance = f64::from(u32::try_from(self.dice.below(100)).unwrap_or(0)) / 100.0;
        self.lanes.settle(&request, answer, self.now, || chance);
        self.reordered += self.lanes.take_reordered().values().sum::<u64>();
    }

    /// Keeps where routes begin; what is kept already holds.
    fn keep(&mut self) {
        self.begins.extend(self.lanes.take_begins());
        if self.dice.percent(70) {
            let mut kept = std::mem::take(&mut self.begins);
            for begin in &mut kept {
                let topic = TOPICS[usize::try_from(begin.route.0.as_u128()).unwrap()];
                let start = self.starts.get_mut(&Partition { topic: topic.into(), number: begin.partition }).unwrap();
                if let Start::NotBefore(_) = start {
                    *start = Start::At(begin.offset);
                }
                begin.offset = start.least();
            }
            self.lanes.began(&kept);
        }
    }

    fn write(&mut self) {
        self.letters.extend(self.lanes.take_dead_letters(3));
        if self.dice.percent(70) {
            self.oracle.dead.extend(self.letters.iter().map(|letter| letter.source.clone()));
            self.lanes.written(&self.letters);
            self.letters.clear();
        }
    }

    fn commit(&mut self) {
        let offsets = self.lanes.to_commit();
        for Offset { partition, offset } in &offsets {
            let place = self.log.committed[partition];
            assert!(*offset > place, "never lower");
            self.check_committed(partition, place..*offset);
            self.log.committed.insert(partition.clone(), *offset);
        }
        self.lanes.committed(&offsets);
    }

    fn freed(&mut self) {
        for (topic, count) in self.lanes.take_freed().events {
            *self.credit.get_mut(&topic).unwrap() += count;
        }
        for topic in TOPICS {
            assert!(self.credit[topic] <= WINDOW, "no credit out of nothing");
        }
        let assigned: Vec<_> = self.reading.keys().cloned().collect();
        assert_eq!(assigned.len(), self.lanes.partitions().len());
        assert!(self.lanes.in_flight() <= WINDOW * TOPICS.len());
    }

    /// What is committed is where it belongs.
    fn check_committed(&self, partition: &Partition, offsets: std::ops::Range<i64>) {
        let range = (partition.clone(), offsets.start)..(partition.clone(), offsets.end);
        for (place, (_, kind)) in self.log.records.range(range) {
            let id = format!("{}/{}", place.0, place.1);
            let start = self.starts.get(&place.0).copied();
            let is_before = start.is_some_and(|start| place.1 < start.least());
            let is_kept = !matches!(start, Some(Start::NotBefore(_)));
            assert!(is_before || is_kept, "{id} is committed, and where its route begins is not kept");
            match kind {
                Kind::Routed | Kind::Poison if is_before => {}
                Kind::Routed => assert!(self.oracle.ids.contains(&id), "{id} is missing"),
                Kind::Poison => assert!(self.oracle.dead.contains(place), "{id} is lost"),
                Kind::PassedOver => assert!(!self.oracle.ids.contains(&id), "{id} has no route"),
            }
        }
    }

    /// Another worker takes partitions over: softly, or at once.
    fn rebalance(&mut self) {
        let partition = partitions()[self.dice.below(4)].clone();
        if self.reading.remove(&partition).is_none() {
            return self.assign(partition);
        }
        let one = std::slice::from_ref(&partition);
        if self.dice.percent(50) {
            self.come_to_rest(one, false);
        } else {
            self.excused += self.lanes.windows[&partition].in_flight();
        }
        self.lanes.lose(one);
    }

    /// Drains as at a soft end; no fault lasts for ever.
    fn come_to_rest(&mut self, which: &[Partition], all: bool) {
        self.lanes.drain(which);
        for _ in 0..10_000 {
            if self.lanes.is_idle(which) && self.letters.is_empty() && (!all || self.requests.is_empty()) {
                return self.commit();
            }
            self.send();
            self.settle(false, false);
            self.write();
            self.keep();
            self.now += Duration::from_millis(500);
        }
        panic!("the lanes do not come to rest: {:?}", self.lanes);
    }

    /// A kill: whatever is in flight may have arrived or not.
    fn kill(&mut self) {
        self.excused += self.lanes.in_flight();
        for request in std::mem::take(&mut self.requests) {
            if self.dice.percent(50) {
                request.entries.iter().for_each(|entry| self.oracle.take(entry));
            }
        }
        self.begin();
    }
}

fn run(seed: u64) {
    let mut dice = Dice::new(seed);
    // What may happen in this schedule.
    let (fifo, faults, losses) = (dice.percent(50), dice.percent(60), dice.percent(30));
    let (kills, soft_ends, rebalances) = (dice.percent(40), dice.percent(30), dice.percent(30));
    let mode = if fifo && dice.percent(40) { Mode::Batched } else { Mode::Usual };
    let log = log(&mut dice);
    let mut starts = Starts::new();
    for partition in partitions() {
        if dice.percent(30) {
            let least = i64::try_from(dice.below(20)).unwrap().min(log.ends[&partition]);
            starts.insert(partition, if dice.percent(50) { Start::At(least) } else { Start::NotBefore(least) });
        }
    }
    let mut world = World {
        dice,
        log,
        oracle: Oracle::default(),
        lanes: lanes(fifo, mode, &starts),
        reading: HashMap::new(),
        requests: Vec::new(),
        letters: Vec::new(),
        begins: Vec::new(),
        starts,
        credit: HashMap::new(),
        now: Duration::ZERO,
        excused: 0,
        fifo,
        mode,
        reordered: 0,
    };
    world.begin();
    for _ in 0..300 {
        match world.dice.below(100) {
            0..30 => world.receive(),
            30..50 => world.send(),
            50..70 => world.settle(faults, losses),
            70..76 => world.write(),
            76..78 => world.keep(),
            78..86 => world.commit(),
            86..96 => world.now += Duration::from_millis(300),
            96 if kills => world.kill(),
            97 if soft_ends => {
                world.come_to_rest(&partitions(), true);
                world.begin();
            }
            98 if rebalances => world.rebalance(),
            _ => {}
        }
        world.freed();
    }
    // Everything is mended: it all arrives.
    for partition in partitions() {
        if !world.reading.contains_key(&partition) {
            world.assign(partition);
        }
    }
    for _ in 0..20_000 {
        if partitions().iter().all(|p| world.is_read(p)) {
            break;
        }
        world.receive();
        world.send();
        world.settle(false, false);
        world.write();
        world.keep();
        world.commit();
        world.freed();
        world.now += Duration::from_millis(500);
    }
    for partition in partitions() {
        assert!(world.is_read(&partition), "{partition} is not read to its end");
    }
    assert_eq!(world.lanes.health(), Health::Well);
    let freed = world.lanes.in_flight();
    assert_eq!(freed, 0);
    check_taken(&world);
}

fn check_taken(world: &World) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut repeated = 0;
    for (place, (id, _)) in world.oracle.taken.iter().enumerate() {
        repeated += usize::from(places.contains_key(id.as_str()));
        places.entry(id).or_insert(place);
    }
    if world.fifo {
        assert_eq!(repeated, 0, "a FIFO queue shows no duplicate");
    }
    let repeated = repeated + world.oracle.swallowed;
    assert!(repeated <= world.excused, "{repeated} duplicates, {} excused", world.excused);
    // First deliveries of a group keep the order of the partition, but for what is said to have broken it.
    let mut overtook = 0;
    let mut last: HashMap<(&Partition, Option<&String>), usize> = HashMap::new();
    for ((partition, offset), (_, kind)) in &world.log.records {
        let begun = world.starts.get(partition).is_none_or(|start| *offset >= start.least());
        if *kind == Kind::Routed && world.fifo && begun {
            let place = places[format!("{partition}/{offset}").as_str()];
            let group = world.oracle.taken[place].1.as_ref();
            if let Some(before) = last.insert((partition, group), place) {
                overtook += u64::from(before > place);
            }
        }
    }
    assert!(overtook <= world.reordered, "{overtook} overtook, {} are counted", world.reordered);
    assert!(world.mode == Mode::Batched || world.reordered == 0, "nothing breaks the order as usual");
}

#[test]
fn no_schedule_loses_an_event_or_makes_an_unexcused_duplicate() {
    if let Ok(seed) = std::env::var("EBM_SEED") {
        return run(seed.parse().expect("EBM_SEED is a number"));
    }
    let count =
        std::env::var("EBM_SCHEDULES").map_or(SCHEDULES, |count| count.parse().expect("EBM_SCHEDULES is a number"));
    let first = u64::from(u32::from_le_bytes(crate::secrets::random()));
    for seed in first..first + count {
        assert!(std::panic::catch_unwind(|| run(seed)).is_ok(), "the schedule with EBM_SEED={seed} fails");
    }
}
