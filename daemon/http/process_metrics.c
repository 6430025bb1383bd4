/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel knows of this process. */
#include "daemon/http/process_metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CPU, RESIDENT, VIRTUAL, OPEN_FDS, MAX_FDS };

static const struct metric process_table[] = {
    [CPU] = {"process_cpu_seconds_total", "Processor time of all threads.", METRIC_COUNTER, 0, 0},
    [RESIDENT] = {"process_resident_memory_bytes", "Memory in use.", METRIC_GAUGE, 0, 0},
    [VIRTUAL] = {"process_virtual_memory_bytes", "Addresses in use.", METRIC_GAUGE, 0, 0},
    [OPEN_FDS] = {"process_open_fds", "Descriptors in use.", METRIC_GAUGE, 0, 0},
    [MAX_FDS] = {"process_max_fds", "Descriptors that may be in use.", METRIC_GAUGE, 0, 0},
};
METRICS_LISTED(process_table)

/* Since Linux 6.2 the folder's size; before, they have to be counted. */
static double open_fds(void)
{
    struct stat st;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (double)st.st_size;
    DIR *dir = opendir("/proc/self/fd");
    double n = -3; /* ".", ".." and the one that reads it */
    for (; dir && readdir(dir); n++)
        ;
    if (dir)
        closedir(dir);
    return n;
}

void process_metrics_each(process_metric_fn *fn, void *arg)
{
    struct rusage usage;
    struct rlimit limit;
    unsigned long size, resident;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        fn(arg, &process_table[CPU],
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%lu %lu", &size, &resident) == 2) {
        fn(arg, &process_table[RESIDENT], (double)resident * (double)sysconf(_SC_PAGESIZE));
        fn(arg, &process_table[VIRTUAL], (double)size * (double)sysconf(_SC_PAGESIZE));
    }
    if (file)
        (void)fclose(file);
    fn(arg, &process_table[OPEN_FDS], open_fds());
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        fn(arg, &process_table[MAX_FDS], (double)limit.rlim_cur);
}
