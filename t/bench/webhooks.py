# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Webhooks: how fast one dispatcher empties a backlog, and how soon a verdict arrives. The receiver is an httpd with TLS
that keeps its connections; its log tells when a delivery came."""
import glob
import http.client
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse

from server import SOURCE, Server, free_port

RATE = 100                      # verdicts a second
TARGET_RATE, TARGET_P99 = 2000, 50
MODULES = "mpm_event authz_core alias log_config ssl socache_shmcb unixd"
RECEIVER = """ServerRoot "{dir}"
Listen 127.0.0.1:{port} https
ServerName 127.0.0.1
PidFile "{dir}/receiver.pid"
DefaultRuntimeDir "{dir}"
ErrorLog "{dir}/receiver.log"
LogFormat "%{{usec}}t %{{X-Tuor-Event-Id}}i" arrivals
CustomLog "{dir}/arrivals" arrivals
Mutex pthread
ServerLimit 1
StartServers 1
ThreadsPerChild 64
MaxRequestWorkers 64
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
SSLEngine On
SSLCertificateFile "{dir}/cert.pem"
SSLCertificateKeyFile "{dir}/key.pem"
RedirectMatch 204 ^/
"""
ONE_DISPATCHER = """ServerLimit         1
StartServers        1
TuorWebhookAllow    127.0.0.0/8
TuorWebhookCAFile   "{dir}/cert.pem"
"""
BACKLOG = """INSERT INTO tuor.webhook_deliveries (org_id, id, project_id, event_id, event_type, trace_id, created_at, updated_at, body_size, body)
    SELECT :'org', 'whd_' || lpad(n::text, 22, '0'), :'project', 'evt_' || lpad(n::text, 22, '0'), 'review.approved', 'trace_1', now(), now(),
           octet_length(:'body'), :'body' FROM generate_series(1, :rows) n
"""
# What a verdict and the claim of its delivery cannot do without.
TWO_COMMITS = """INSERT INTO two_commits SELECT repeat('x', 2000);
INSERT INTO two_commits SELECT repeat('y', 2000);
"""
PENDING = """INSERT INTO tuor.traces (org_id, id, project_id, created_at, updated_at, model_input, model_output)
    SELECT :'org', 'trace_' || lpad(n::text, 22, '0'), :'project', now(), now(), :'input', '{"total":1}'
        FROM generate_series(:first, :first + :rows - 1) n
"""


def settings():
    """What configure found"""
    with open(f"{SOURCE}/build/config.sh", encoding="utf-8") as f:
        return dict(line.strip().replace("'", "").split("=", 1) for line in f if "='" in line)


def p99_and_median(took):
    return sorted(took)[int(len(took) * 0.99)], statistics.median(took)


class Receiver:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="tuor-bench-")
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{self.dir}/key.pem",
                        "-out", f"{self.dir}/cert.pem"], check=True, capture_output=True)
        os.chmod(f"{self.dir}/cert.pem", 0o644)
        found = settings()
        with open(f"{self.dir}/httpd.conf", "w", encoding="ascii") as f:
            for name in MODULES.split():
                path = f"{found['libexecdir']}/mod_{name}.so"
                if os.path.exists(path):
                    f.write(f"LoadModule {name}_module {path}\n")
            f.write(RECEIVER.format(dir=self.dir, port=self.port))
        self.command = [found["httpd"], "-f", f"{self.dir}/httpd.conf", "-k"]
        subprocess.run(self.command + ["start"], check=True)

    def arrivals(self):
        """When each event came first, in seconds"""
        found = {}
        with open(f"{self.dir}/arrivals", encoding="ascii") as f:
            for line in f:
                usec, event = line.split()
                found.setdefault(event, int(usec) / 1e6)
        return found

    def last_arrival(self):
        """In seconds"""
        with open(f"{self.dir}/arrivals", "rb") as f:
            f.seek(-100, os.SEEK_END)
            return int(f.read().splitlines()[-1].split()[0]) / 1e6

    def stop(self):
        subprocess.run(self.command + ["stop"], check=False)
        for _ in range(100):
            if not os.path.exists(f"{self.dir}/receiver.pid"):
                break
            time.sleep(0.1)
        shutil.rmtree(self.dir, ignore_errors=True)


class Turn:
    """One server, one receiver"""

    def __init__(self, receiver, body):
        self.receiver = receiver
        self.server = Server(ONE_DISPATCHER.format(dir=receiver.dir))
        self.org = self.server.psql("SELECT org_id FROM tuor.organizations")
        self.body = body
        self.server.psql("UPDATE tuor.projects SET webhook_active = true, webhook_secret = 's', "
                         f"webhook_url = 'https://127.0.0.1:{receiver.port}/hook'")

    def deliver(self, first, rows):
        """Deliveries a second, microseconds of CPU of httpd and of PostgreSQL for each, and how much the child has grown, in MB"""
        sql = BACKLOG.replace("generate_series(1, :rows)", f"generate_series({first}, {first + rows - 1})")
        self.server.psql(sql, org=self.org, project=self.server.project, body=self.body, rows=rows)
        started, cpu = time.time(), self.server.cpu()
        before = self.server.memory("VmRSS")
        self.server.forget_peaks()
        # Asking costs as much as some deliveries do, so the receiver's log tells when the last one came.
        while self.server.psql("SET enable_seqscan = off; SELECT EXISTS (SELECT FROM tuor.webhook_deliveries WHERE status = 'pending')"
                               " OR EXISTS (SELECT FROM tuor.webhook_deliveries WHERE status = 'sending')") == "t":
            time.sleep(1)
        took = self.receiver.last_arrival() - started
        failed = int(self.server.psql("SELECT count(*) FROM tuor.webhook_deliveries WHERE status <> 'success'"))
        if failed:
            raise SystemExit(f"t/bench/run: {failed} deliveries failed: " + self.server.psql(
                "SELECT error FROM tuor.webhook_deliveries WHERE status <> 'success' LIMIT 1"))
        cpu = [1e6 * (b - a) / rows for a, b in zip(cpu, self.server.cpu())]
        return rows / took, cpu[0], cpu[1], self.server.memory("VmHWM") - before

    def two_commits(self, seconds):
        """99th percentile and median of pgbench's milliseconds for two durable commits, at the rate of the verdicts"""
        self.server.psql("CREATE TABLE IF NOT EXISTS two_commits (body text)")
        log = f"{self.server.dir}/two_commits"
        subprocess.run(["pgbench", "-n", "-j2", "-c8", f"--rate={RATE}", f"-T{seconds}", "--log", f"--log-prefix={log}", "-f", "/dev/stdin"],
                       input=TWO_COMMITS, text=True, env=self.server.pg_env, check=True, capture_output=True)
        took = []
        for path in glob.glob(f"{log}.*"):
            with open(path, encoding="ascii") as f:
                took += [int(line.split()[2]) / 1000 for line in f]
            os.unlink(path)
        return p99_and_median(took)

    def verdicts(self, first, seconds):
        """99th percentile and median of the milliseconds between a verdict and its arrival; first: number of the first trace"""
        n = RATE * seconds
        self.server.psql(PENDING, org=self.org, project=self.server.project, input=self.body, first=first, rows=n)
        host = urllib.parse.urlsplit(self.server.url).netloc
        began = time.monotonic()

        def review(start):
            c = http.client.HTTPConnection(host)
            for i in range(start, n, 8):
                time.sleep(max(0, began + i / RATE - time.monotonic()))
                c.request("POST", f"/v1/traces/trace_{first + i:022d}/review", json.dumps({"action": "approve", "expected_version": 1}),
                          {"X-API-Key": self.server.key, "Content-Type": "application/json"})
                answer = c.getresponse()
                answer.read()
                if answer.status != 200:
                    raise SystemExit(f"t/bench/run: a verdict was answered {answer.status}")

        threads = [threading.Thread(target=review, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        time.sleep(2)
        occurred = self.server.psql("SELECT id || ' ' || extract(epoch FROM occurred_at) FROM tuor.trace_events "
                                    f"WHERE type = 'review.approved' AND trace_id >= 'trace_{first:022d}'")
        came = self.receiver.arrivals()
        return p99_and_median([1000 * (came[event] - float(at)) for event, at in map(str.split, occurred.splitlines())])


def run(args):
    body = json.dumps({"event_type": "review.approved", "trace": {"model_input": {"content": "x" * 1500}}})
    backlog = 20000 if args.quick else 100000
    receiver = Receiver()
    try:
        turn = Turn(receiver, body)
        try:
            turn.deliver(1, 2000)               # names, certificates, connections
            found = [turn.deliver(1000000 * (i + 1), backlog) for i in range(1 if args.quick else args.runs)]
            rate, httpd, postgres = (statistics.median(f[i] for f in found) for i in range(3))
            print(f"webhooks, backlog of {backlog}, one dispatcher: {rate:.0f} deliveries/s, {httpd:.0f} + {postgres:.0f} µs of CPU each "
                  f"(httpd, PostgreSQL), target {TARGET_RATE}/s {'met' if rate >= TARGET_RATE else 'MISSED'}; the child grew by "
                  f"{found[-1][3]:.1f} MB in the last", flush=True)
            seconds = max(10, args.seconds * 2)
            turns = range(1 if args.quick else args.runs)
            pairs = [(turn.verdicts(1 + i * RATE * seconds, seconds), turn.two_commits(seconds)) for i in turns]
            (p99, median), (p99_commits, median_commits) = ([statistics.median(figures) for figures in zip(*side)] for side in zip(*pairs))
            print(f"webhooks, {RATE} verdicts/s: verdict to arrival median {median:.1f} ms, p99 {p99:.1f} ms, target {TARGET_P99} "
                  f"{'met' if p99 <= TARGET_P99 else 'MISSED'}; two commits by pgbench at that rate: median {median_commits:.1f} ms, "
                  f"p99 {p99_commits:.1f} ms", flush=True)
        finally:
            turn.server.stop()
    finally:
        receiver.stop()
