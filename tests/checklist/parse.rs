//! What is found in a checklist.
