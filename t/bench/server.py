# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A private Tuor for the benchmark, made by quickstart, and what /proc tells about its processes."""
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TICK = os.sysconf("SC_CLK_TCK")

# More threads than there are connections, even if one child got all of them: when it has none left, httpd's
# event MPM closes connections that wait for their next request, and a client's request may be on its way on them.
CONFIGURATION = """TuorRateLimit all off
Listen 127.0.0.1:{limited}
<VirtualHost 127.0.0.1:{limited}>
    TuorRateLimit read 1/min
</VirtualHost>
ServerLimit         2
StartServers        2
ThreadLimit         80
ThreadsPerChild     80
MaxRequestWorkers   160
MaxSpareThreads     160
<Directory "{htdocs}">
    Require all granted
</Directory>
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def processes():
    """Every process: {pid: (parent, seconds of CPU, its reaped children's included)}"""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                field = f.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(pid)] = int(field[1]), sum(map(int, field[11:15])) / TICK
    return found


def stolen_time():
    """Seconds that all processors together wanted to run and the host ran others; 0 on a machine of one's own"""
    with open("/proc/stat", encoding="ascii") as f:
        return int(f.readline().split()[8]) / TICK


def tree(root, all_of_them):
    """The process and those beneath it"""
    pids = [root]
    for pid in pids:
        pids.extend(p for p, (parent, _) in all_of_them.items() if parent == pid)
    return pids


class Server:
    """Started by the constructor; stop() leaves nothing behind."""

    def __init__(self, more=""):
        """more: further configuration"""
        self.dir = tempfile.mkdtemp(prefix="tuor-bench-")
        os.chmod(self.dir, 0o711)
        include = os.path.join(self.dir, "bench.conf")
        limited = free_port()
        self.limited_url = f"http://127.0.0.1:{limited}"
        with open(include, "w", encoding="ascii") as f:
            f.write(CONFIGURATION.format(htdocs=f"{self.dir}/htdocs", limited=limited) + more)
        os.chmod(include, 0o644)
        try:
            self.quickstart("up", "--port", str(free_port()), "--include", include)
            self.take_env()
        except BaseException:
            self.stop()
            raise

    def quickstart(self, command, *args):
        subprocess.run([f"{SOURCE}/quickstart", command, "--dir", self.dir, *args], check=True, stdout=subprocess.DEVNULL)

    def take_env(self):
        with open(f"{self.dir}/env", encoding="utf-8") as f:
            env = dict(word.split("=", 1) for word in shlex.split(f.read()))
        self.url, self.project, self.key = env["TUOR_URL"], env["TUOR_PROJECT_ID"], env["TUOR_API_KEY"]
        self.ctl = env["TUOR_CTL"]
        dsn = urllib.parse.urlsplit(env["TUOR_DATABASE_URL"])
        self.socket = urllib.parse.parse_qs(dsn.query)["host"][0]
        self.pg_env = dict(os.environ, PGHOST=self.socket, PGUSER=dsn.username, PGPASSWORD=dsn.password, PGDATABASE="tuor")
        with open(env["TUOR_PIDFILE"], encoding="ascii") as f:
            self.httpd = int(f.read())
        with open(f"{self.dir}/pg/postmaster.pid", encoding="ascii") as f:
            self.postgres = int(f.readline())

    def stop(self):
        subprocess.run([f"{SOURCE}/quickstart", "stop", "--dir", self.dir], check=False, stdout=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.rmtree(getattr(self, "socket", ""), ignore_errors=True)

    def tuorctl(self, *args):
        return subprocess.run([self.ctl, *args], check=True, capture_output=True, text=True).stdout.strip()

    def psql(self, sql, **variables):
        """As the owner of the tables; the answer's rows as text"""
        args = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *args], input=sql, env=self.pg_env, check=True,
                              capture_output=True, text=True).stdout.strip()

    def cpu(self):
        """Seconds of CPU so far: httpd's and PostgreSQL's"""
        time.sleep(0.2)                 # those that are leaving are counted when they have left
        found = processes()
        return [sum(found[p][1] for p in tree(root, found)) for root in (self.httpd, self.postgres)]

    def children(self):
        return [p for p in tree(self.httpd, processes()) if p != self.httpd]

    def memory(self, what):
        """VmRSS or VmHWM of httpd's children together, in MB"""
        total = 0
        for pid in self.children():
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith(what + ":"))
        return total / 1024

    def forget_peaks(self):
        for pid in self.children():
            with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
                f.write("5")
