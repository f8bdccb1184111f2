//! Documents people bring.
