/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh folder for a test that needs files. What goes wrong fails the test. */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

/* Makes a folder and makes it the working directory. A test that fails leaves it behind to be looked at. */
const char *folder_enter(void);

/* Makes a file with this text, and the folders above it. */
void folder_write(const char *name, const char *text);

/* Removes the folder and all that is in it. */
void folder_remove(void);

#endif
