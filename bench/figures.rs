//! What many measurements come to.

/// The middle of some measurements.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    percentile(values, 50)
}

/// The smallest that so many of a hundred do not exceed.
pub fn percentile(values: impl Iterator<Item = f64>, percent: usize) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or_default()
}
