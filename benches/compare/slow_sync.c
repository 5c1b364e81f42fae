// For LD_PRELOAD: a disk whose fsync takes two seconds.
#include <sys/syscall.h>
#include <unistd.h>

int fsync(int file) {
    sleep(2);
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    return fsync(file);
}
