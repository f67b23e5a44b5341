/* The client of the supervisor's control socket. */
#ifndef SETUP_CONTROL_H
#define SETUP_CONTROL_H

#include "setup/setup.h"

/*
 * Sends the words to RUN_DIR/control.sock, each followed by NUL and then LF,
 * and copies the answer to stdout, except its last line "exit N". Returns N,
 * or 1 after saying that nothing answers.
 */
int control_run(const struct setup *s, int argc, const char *const *argv);

/* True if the mail server runs. */
bool control_answers(const struct setup *s);

#endif
