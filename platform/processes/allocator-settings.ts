/**
 * Variables of glibc's malloc for a process that gets large bodies: each buffer above 128 KB is a mapping of its own, which
 * the system gets back when it is freed. Otherwise the limit grows to 32 MB with the first large buffer, and the freed ones
 * stay with the process: 50 MB after bodies of 10,000 rows. Other systems ignore them.
 * https://man7.org/linux/man-pages/man3/mallopt.3.html
 */
export const allocatorSettings = { MALLOC_MMAP_THRESHOLD_: "131072" } as const;
