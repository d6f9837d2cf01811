//! Moves reads along their way: polling, workers.
