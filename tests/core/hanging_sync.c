// Lets each fsync hang as long as the file is there that HANGS_WHILE names.
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int fsync(int file) {
    const char *gate = getenv("HANGS_WHILE");
    while (gate && access(gate, F_OK) == 0) {
        usleep(1000);
    }
    return (int)syscall(SYS_fsync, file);
}
