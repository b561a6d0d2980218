// The suite's tests.
