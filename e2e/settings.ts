/** Short times, so that what takes half an hour in a shop takes seconds in a test. */
export const settings = { payment_window_seconds: "15", repeat_interval_seconds: "4" };
export const appEnv = {};
