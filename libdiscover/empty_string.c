// SPDX-License-Identifier: Apache-2.0
// The default value of every text of a message. Each table that names libprotobuf-c's costs a relocation of 24 bytes in the
// shared library; this one costs a bit. libprotobuf-c compares a text with the default value of its own field alone.
#include <protobuf-c/protobuf-c.h>

const char protobuf_c_empty_string[] = "";
