# The first boot of the egress proxy, by root on Amazon Linux 2023. What it needs lies in /etc/egress-proxy by then. Where a
# step fails, the deployment does.

# dnf may take more memory than the smallest instance has.
dd if=/dev/zero of=/var/swap bs=1M count=512 status=none
chmod 0600 /var/swap
mkswap /var/swap
swapon /var/swap

dnf install --assumeyes --setopt=install_weak_deps=False haproxy nftables
haproxy -c -f /etc/egress-proxy/haproxy.cfg

# What HAProxy does not take goes nowhere.
echo 'net.ipv4.ip_forward = 0' >/etc/sysctl.d/99-egress-proxy.conf
sysctl --load=/etc/sysctl.d/99-egress-proxy.conf

install -m 0644 /etc/egress-proxy/egress-proxy.service /etc/systemd/system
systemctl daemon-reload
systemctl enable --now egress-proxy
