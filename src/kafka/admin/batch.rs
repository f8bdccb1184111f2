//! How much goes into one request.
//!
//! Kafka's controller makes at most 10,000 records of one request (`QuorumController.MAX_RECORDS_PER_USER_OP`);
//! a larger request is refused as a whole, with nothing made.

/// The records the controller makes of one request at most.
pub(crate) const RECORDS: usize = 10_000;

/// Cuts a list into batches of at most `items` items and `weight` weight. An item heavier than that is a batch alone.
pub(crate) fn cut<T>(list: &[T], items: usize, weight: usize, weigh: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut batches = Vec::new();
    let (mut from, mut sum) = (0, 0);
    for (at, item) in list.iter().enumerate() {
        let more = weigh(item);
        if at > from && (at - from == items || sum + more > weight) {
            batches.push(&list[from..at]);
            (from, sum) = (at, 0);
        }
        sum += more;
    }
    if from < list.len() {
        batches.push(&list[from..]);
    }
    batches
}

/// Cuts a list into batches of at most `items` items in which no key is twice.
pub(crate) fn cut_distinct<'a, T, K: Eq + std::hash::Hash>(
    list: &'a [T],
    items: usize,
    key: impl Fn(&'a T) -> K,
) -> Vec<&'a [T]> {
    let mut batches = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut from = 0;
    for (at, item) in list.iter().enumerate() {
        if seen.contains(&key(item)) || at - from == items {
            batches.push(&list[from..at]);
            from = at;
            seen.clear();
        }
        seen.insert(key(item));
    }
    if from < list.len() {
        batches.push(&list[from..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn batches_are_the_list_in_order_and_within_both_limits(
            list in prop::collection::vec(0_usize..40, 0..80), items in 1_usize..10, weight in 1_usize..50,
        ) {
            let batches = cut(&list, items, weight, |item| *item);
            prop_assert_eq!(&batches.concat(), &list);
            for batch in batches {
                prop_assert!(!batch.is_empty() && batch.len() <= items);
                prop_assert!(batch.len() == 1 || batch.iter().sum::<usize>() <= weight);
            }
        }

        #[test]
        fn no_key_is_twice_in_a_batch(list in prop::collection::vec(0_u8..6, 0..60), items in 1_usize..9) {
            let batches = cut_distinct(&list, items, |item| *item);
            prop_assert_eq!(&batches.concat(), &list);
            for batch in batches {
                let keys: std::collections::BTreeSet<_> = batch.iter().collect();
                prop_assert!(!batch.is_empty() && batch.len() <= items && keys.len() == batch.len());
            }
        }
    }
}
