//! The ledger finds what is planted in ten thousand events, each of it and nothing else.

use super::{Event, Generator, Ledger, verdict::Verdict};

const EVENTS: usize = 10_000;

/// A ledger of events that came as they were sent, but for what is planted.
fn ledger(plant: impl FnOnce(&mut Vec<Event>)) -> Ledger {
    let mut events: Vec<_> = Generator::with_seed("order.placed", 1).take(EVENTS).collect();
    let mut ledger = Ledger::default();
    for event in &events {
        ledger.sent(event);
    }
    plant(&mut events);
    for (number, event) in events.into_iter().enumerate() {
        ledger.received(format_args!("message {number}"), Ok(event));
    }
    ledger
}

/// Judges what is planted: a ledger that finds it refuses it, and with these words.
#[track_caller]
fn finds(plant: impl FnOnce(&mut Vec<Event>), expected: Verdict, words: &str) {
    let ledger = ledger(plant);
    assert_eq!(ledger.verdict(), Verdict { sent: EVENTS, ..expected });
    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        ledger.assert_none_lost(0);
        ledger.assert_in_order();
    }));
    let told = judged.unwrap_err();
    let told = told.downcast_ref::<String>().unwrap();
    assert!(told.contains(words), "{told}");
}

/// The place of an event after `from` whose data are longer than a few bytes, so that no other event has the same.
fn place(events: &[Event], from: usize) -> usize {
    from + events[from..].iter().position(|event| event.data.as_ref().is_some_and(|data| data.len() > 100)).unwrap()
}

/// The places of two events of one key.
fn two_of_a_key(events: &[Event]) -> (usize, usize) {
    let first = 5_000;
    let next = events[first + 1..].iter().position(|event| event.key == events[first].key).unwrap();
    (first, first + 1 + next)
}

#[test]
fn nothing_planted_is_nothing_found() {
    let ledger = ledger(|_| {});
    let verdict = ledger.assert_none_lost(0);
    ledger.assert_in_order();
    assert_eq!(verdict, Verdict { sent: EVENTS, ..Verdict::default() });
    insta::assert_snapshot!(verdict, @"|     10000 |         0 |          0 |            0 |         0 |         0 |");
}

#[test]
fn one_that_is_missing_is_found() {
    finds(|events| drop(events.remove(7_654)), Verdict { missing: 1, ..Verdict::default() }, "missing: the ");
}

#[test]
fn one_that_comes_twice_is_found_and_may_be_allowed() {
    let twice = |events: &mut Vec<Event>| events.push(events[1_234].clone());
    finds(twice, Verdict { duplicates: 1, ..Verdict::default() }, "it has come before");
    let ledger = ledger(twice);
    assert_eq!(ledger.assert_none_lost(1).duplicates, 1);
    ledger.assert_in_order();
}

#[test]
fn two_of_a_key_that_change_places_are_found() {
    let swap = |events: &mut Vec<Event>| {
        let (first, second) = two_of_a_key(events);
        events.swap(first, second);
    };
    finds(swap, Verdict { out_of_order: 1, ..Verdict::default() }, "a later one of its key came before");
}

#[test]
fn two_of_different_keys_may_change_places() {
    let ledger = ledger(|events| {
        let other = events[1..].iter().position(|event| event.key != events[0].key).unwrap();
        // All in between are of the first one's key.
        events[..=other + 1].rotate_right(1);
    });
    ledger.assert_none_lost(0);
    ledger.assert_in_order();
}

#[test]
fn a_byte_that_is_flipped_is_found() {
    let flip = |events: &mut Vec<Event>| {
        let place = place(events, 3_000);
        events[place].data.as_mut().unwrap()[50] ^= 1;
    };
    finds(flip, Verdict { corrupt: 1, ..Verdict::default() }, "its data are others");
}

#[test]
fn data_that_become_none_are_found() {
    let lose = |events: &mut Vec<Event>| {
        let empty = events.iter_mut().find(|event| event.data.as_ref().is_some_and(Vec::is_empty)).unwrap();
        empty.data = None;
    };
    finds(lose, Verdict { corrupt: 1, ..Verdict::default() }, "its data are others");
}

#[test]
fn data_of_another_event_are_found() {
    let swap = |events: &mut Vec<Event>| {
        let first = place(events, 100);
        let second = place(events, first + 1);
        events[first].data = events[second].data.clone();
    };
    finds(swap, Verdict { corrupt: 1, ..Verdict::default() }, "its data are others");
}

#[test]
fn an_attribute_that_is_dropped_is_found() {
    let lose = |events: &mut Vec<Event>| {
        let with = events.iter_mut().find(|event| event.attributes.contains_key("tenant")).unwrap();
        with.attributes.remove("tenant");
    };
    finds(lose, Verdict { corrupt: 1, ..Verdict::default() }, "its attributes are others");
}

#[test]
fn an_attribute_that_is_changed_is_found() {
    let change = |events: &mut Vec<Event>| {
        let with = events.iter_mut().find_map(|event| event.attributes.get_mut("time")).unwrap();
        with.pop();
    };
    finds(change, Verdict { corrupt: 1, ..Verdict::default() }, "its attributes are others");
}

#[test]
fn another_key_is_found() {
    let change = |events: &mut Vec<Event>| events[42].key = Some(b"k".to_vec());
    finds(change, Verdict { corrupt: 1, ..Verdict::default() }, "its key is another");
}

#[test]
fn one_that_nobody_sent_is_found() {
    let forge = |events: &mut Vec<Event>| events.extend(Generator::with_seed("order.placed", 2).take(1));
    finds(forge, Verdict { foreign: 1, ..Verdict::default() }, "nobody sent 0 of /seed/2");
}

#[test]
fn what_is_no_event_is_found() {
    let mut ledger = ledger(|_| {});
    let broken = ([("content-type", "application/cloudevents+json")], "{\"id\":", None);
    ledger.received_by_queue([broken]);
    assert_eq!(ledger.verdict().foreign, 1);
}

#[test]
fn hops_and_empty_attributes_are_not_looked_at() {
    let ledger = ledger(|events| {
        for event in events {
            event.attributes.insert("ebmhops".to_owned(), "1".to_owned());
            event.attributes.retain(|_, value| !value.is_empty());
            event.attributes.insert("none".to_owned(), String::new());
        }
    });
    ledger.assert_none_lost(0);
}

#[test]
#[should_panic(expected = "is sent twice")]
fn nobody_sends_an_event_twice() {
    let event = Generator::with_seed("order.placed", 1).next().unwrap();
    let mut ledger = Ledger::default();
    ledger.sent(&event);
    ledger.sent(&event);
}
