// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/mrc.h>

static const char version[] = MRC_VERSION_STRING;

const char *mrc_version(void)
{
	return version;
}

unsigned int mrc_version_number(void)
{
	return MRC_VERSION_NUMBER(MRC_VERSION_MAJOR, MRC_VERSION_MINOR,
				  MRC_VERSION_PATCH);
}
