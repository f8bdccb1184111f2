//! Interactive leaves.
