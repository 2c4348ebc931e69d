#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Print the ELF file, with its BTF, that a kernel's boot image holds compressed.
#
# usage: extract-vmlinux.sh VMLINUZ
set -eu

die()
{
	echo "extract-vmlinux: $*" >&2
	exit 1
}

[ $# = 1 ] || die "usage: extract-vmlinux.sh VMLINUZ"
image=$1
[ -r "$image" ] || die "cannot read $image"

# field FORMAT OFFSET LENGTH: a number in the image
field()
{
	od -An -t "$1" -j "$2" -N "$3" "$image" | tr -d ' '
}

# x86's boot protocol has this magic number and, since 2.08, the payload.
[ "$(field x4 514 4)" = 53726448 ] || die "$image is no boot image of a kernel for x86"
setup_sectors=$(field u1 497 1)
offset=$(((setup_sectors + 1) * 512 + $(field u4 584 4)))
length=$(field u4 588 4)
case $(field x1 $offset 4) in
fd377a58) tool="xz -dc" ;;
28b52ffd) tool="zstd -dcq" ;;
*) die "$image: compressed neither by xz nor by zstd; set VMLINUX to the kernel's vmlinux" ;;
esac
# The payload's last four bytes are its unpacked size, which decompressors take
# for garbage.
head -c $((offset + length - 4)) "$image" | tail -c $((length - 4)) | $tool
