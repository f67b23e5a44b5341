/* Directory syncs, one for all who wait. */
#include "store/dirsync.h"

#include "core/file.h"

struct dirsync_dir {
	unsigned users;
	uint64_t started; /* syncs begun */
	uint64_t done;    /* syncs ended, in order */
	uint64_t failed;  /* the last of them that failed */
	int err;          /* its errno */
	pthread_cond_t ended;
};

void
dirsync_init(struct dirsync *d)
{
	pthread_mutex_init(&d->lock, NULL);
	map_init(&d->dirs);
}

void
dirsync_release(struct dirsync *d)
{
	assert(d->dirs.count == 0);
	map_release(&d->dirs, NULL);
	pthread_mutex_destroy(&d->lock);
}

/* Under the lock. */
static struct dirsync_dir *
join(struct dirsync *d, const char *path)
{
	struct dirsync_dir *dir = map_get(&d->dirs, slice_str(path));

	if (dir == NULL) {
		dir = mem_zero(sizeof(*dir));
		pthread_cond_init(&dir->ended, NULL);
		map_put(&d->dirs, slice_str(path), dir);
	}
	dir->users++;
	return dir;
}

/* Under the lock. */
static void
leave(struct dirsync *d, const char *path, struct dirsync_dir *dir)
{
	if (--dir->users > 0)
		return;
	map_remove(&d->dirs, slice_str(path));
	pthread_cond_destroy(&dir->ended);
	mem_free(dir);
}

/* Does one sync itself, without the lock. */
static void
lead(struct dirsync *d, const char *path, struct dirsync_dir *dir)
{
	int err;

	dir->started++;
	pthread_mutex_unlock(&d->lock);
	err = file_sync_dir(path) == -1 ? errno : 0;
	pthread_mutex_lock(&d->lock);
	dir->done = dir->started;
	if (err != 0) {
		dir->failed = dir->done;
		dir->err = err;
	}
	pthread_cond_broadcast(&dir->ended);
}

int
dirsync_wait(struct dirsync *d, const char *path)
{
	struct dirsync_dir *dir;
	uint64_t mine;
	int err;

	pthread_mutex_lock(&d->lock);
	dir = join(d, path);
	/* One that runs now may have begun before the caller's rename. */
	mine = dir->started + 1;
	while (dir->done < mine) {
		if (dir->done == dir->started)
			lead(d, path, dir);
		else
			pthread_cond_wait(&dir->ended, &d->lock);
	}
	/* A later failure is told too: that is too careful, not wrong. */
	err = dir->failed >= mine ? dir->err : 0;
	leave(d, path, dir);
	pthread_mutex_unlock(&d->lock);
	errno = err;
	return err == 0 ? 0 : -1;
}
