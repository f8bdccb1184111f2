//! The workers that move events.
