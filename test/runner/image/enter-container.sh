#!/bin/sh
# Becomes the first process of what stands in for a container here, in namespaces that `unshare` has just made:
#
#   enter-container.sh <base> <scratch> <files> <setup> <command> [<argument>...]
#
# Lays a fresh layer over <base>, mounts what a container engine mounts, lets <setup> run in it with <files> at /mnt, and
# becomes the command there.
set -eu
base=$1 scratch=$2 files=$3 setup=$4
shift 4

mount --make-rprivate /
mount -t tmpfs layers "$scratch"
root=$scratch/root
mkdir "$scratch/upper" "$scratch/work" "$root"
mount -t overlay -o "lowerdir=$base,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=0755 dev "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=0755 run "$root/run"

mkdir -p "$root/mnt"
mount --bind "$files" "$root/mnt"
chroot "$root" /bin/sh -c "$setup"
umount "$root/mnt"

exec chroot "$root" "$@"
