// Ends the process if a file of more than 16 MiB is closed on a thread that is not one of tokio's: to free its blocks may
// take a while.
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int close(int file) {
    struct stat found;
    char name[16] = "";
    if (fstat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_size > 16 << 20) {
        prctl(PR_GET_NAME, name);
        if (strcmp(name, "tokio-rt-worker") != 0) {
            abort();
        }
    }
    return (int)syscall(SYS_close, file);
}
