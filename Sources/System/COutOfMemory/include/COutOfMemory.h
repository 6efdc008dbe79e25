// Linked into the program, and only there: see COutOfMemory.c. There is nothing to call.
#pragma once
