/**
 * Variables of glibc's malloc for a process that gets large bodies: it keeps 8 MB of freed memory for the next body, whose
 * pages then cost no faults, and a buffer above 8 MB is a mapping of its own, which the system gets back when it is freed.
 * Otherwise these limits grow with the first large buffers up to 32 and 64 MB, and the freed ones stay with the process:
 * 50 MB after bodies of 10,000 rows. Other systems ignore them.
 * https://man7.org/linux/man-pages/man3/mallopt.3.html
 */
export const allocatorSettings = {
  MALLOC_MMAP_THRESHOLD_: "8388608",
  MALLOC_TRIM_THRESHOLD_: "8388608",
} as const;
