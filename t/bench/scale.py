# Licensed under the Apache License, Version 2.0; see LICENSE.
"""How answers take longer as tables grow: 10^3 to 10^7 traces of one organization, and a plot of it."""
import http.client
import math
import os
import statistics
import subprocess
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = "proj_" + "0" * 22
PAGE = 50
QUEUE = """SELECT t.id FROM tuor.traces t WHERE t.org_id = :org AND t.project_id = :project AND t.status = 'pending'
    AND t.deleted_at IS NULL ORDER BY t.id LIMIT 1;
"""
TARGET = 3                      # times what it takes with FROM rows
FROM = 10000


class Client:
    """One connection that stays open"""

    def __init__(self, server, key):
        self.http = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
        self.key = key

    def get(self, path):
        """Milliseconds to the first byte of the answer's body; and the answer, read to its end"""
        began = time.perf_counter()
        self.http.request("GET", path, headers={"X-API-Key": self.key})
        answer = self.http.getresponse()
        answer.read(1)
        took = time.perf_counter() - began
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"t/bench/run: {path} was answered {answer.status}")
        return 1000 * took, answer

    def median(self, path, times):
        self.get(path)
        return statistics.median(self.get(path)[0] for _ in range(times))


class Export(Client):
    """Leaves when the first row is there"""

    def get(self, path):
        self.http.close()
        self.http.connect()
        began = time.perf_counter()
        self.http.request("GET", path, headers={"X-API-Key": self.key})
        answer = self.http.getresponse()
        if answer.status != 200 or not answer.read(1):
            raise SystemExit(f"t/bench/run: an export was answered {answer.status}")
        took = time.perf_counter() - began
        self.http.close()
        return 1000 * took, None


def next_link(answer):
    return urllib.parse.urlsplit(answer.headers["Link"].split(";")[0].strip("<>"))


def page_1000(client, rows, query=""):
    """The path of the page behind 999 others, or of the last where there are fewer"""
    skip = min(999 * PAGE, rows - 2 * PAGE) - PAGE
    link = next_link(client.get(f"/v1/traces/?limit={PAGE}&skip={skip}{query}")[1])
    return f"{link.path}?{link.query}"


def queue(server, org, times):
    """Milliseconds that the database takes for the oldest pending trace of a project"""
    run = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c1", f"-t{times}", "-D", f"org='{org}'", "-D", f"project='{PROJECT}'",
                          "-f", "/dev/stdin"], input=QUEUE.replace(":org", f"'{org}'").replace(":project", f"'{PROJECT}'"),
                         env=server.pg_env, check=True, capture_output=True, text=True).stdout
    return float(next(line for line in run.splitlines() if "latency average" in line).split()[3])


def measure(server, org, key, rows, times):
    client, export = Client(server, key), Export(server, key)
    middle = f"trace_{rows // 2:022d}"
    return {
        "first page": client.median(f"/v1/traces/?limit={PAGE}", times),
        "1 000th page, by cursor": client.median(page_1000(client, rows), times),
        "first page of a project and a status": client.median(f"/v1/traces/?limit={PAGE}&project_id={PROJECT}&status=corrected", times),
        "first page of a status": client.median(f"/v1/traces/?limit={PAGE}&status=corrected", times),
        "first page of a model": client.median(f"/v1/traces/?limit={PAGE}&model=model-3", times),
        "one run id": client.median("/v1/traces/?internal_run_id=run_" + server.psql(f"SELECT md5('{rows // 3}')"), times),
        "one trace": client.median(f"/v1/traces/{middle}", times),
        "next in a project's queue, SQL": queue(server, org, times * 5),
        "first row of an export": export.median("/v1/traces/export", max(5, times // 5)),
    }


def plot(found, path):
    """Lines over the number of rows, both axes logarithmic"""
    left, top, width, height, legend = 60, 20, 420, 300, 260
    steps = sorted(found)
    low, high = -2, 3                                   # 0.01 to 1 000 ms
    colours = ["#1b6ca8", "#c0392b", "#1e8449", "#8e44ad", "#d35400", "#117a65", "#5d6d7e", "#b7950b", "#2c3e50"]

    def x(rows):
        return left + width * (math.log10(rows) - math.log10(steps[0])) / max(1, math.log10(steps[-1] / steps[0]))

    def y(ms):
        return top + height * (1 - (math.log10(min(max(ms, 0.01), 1000)) - low) / (high - low))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + legend} {top + height + 50}" '
           'font-family="sans-serif" font-size="12">',
           "<!-- Licensed under the Apache License, Version 2.0; see LICENSE. Made by t/bench/run with its scale option. -->",
           '<rect width="100%" height="100%" fill="#fff"/><title>Milliseconds over the number of traces</title>']
    for power in range(low, high + 1):
        ms = 10.0 ** power
        out.append(f'<line x1="{left}" x2="{left + width}" y1="{y(ms):.1f}" y2="{y(ms):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y(ms) + 4:.1f}" text-anchor="end">{ms:g} ms</text>')
    for rows in steps:
        out.append(f'<line x1="{x(rows):.1f}" x2="{x(rows):.1f}" y1="{top}" y2="{top + height}" stroke="#eee"/>'
                   f'<text x="{x(rows):.1f}" y="{top + height + 20}" text-anchor="middle">{rows:,}</text>')
    out.append(f'<text x="{left + width / 2}" y="{top + height + 40}" text-anchor="middle">traces of the organization</text>')
    for n, name in enumerate(found[steps[0]]):
        points = " ".join(f"{x(r):.1f},{y(found[r][name]):.1f}" for r in steps)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colours[n % 9]}" stroke-width="2"/>'
                   f'<rect x="{left + width + 20}" y="{top + 24 * n + 4}" width="14" height="4" fill="{colours[n % 9]}"/>'
                   f'<text x="{left + width + 42}" y="{top + 24 * n + 11}">{name}</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n</svg>\n")


def run(server, args):
    org = server.tuorctl("org", "create", "Scale")
    key = server.tuorctl("key", "create", "--org", org, "--name", "bench")
    server.psql(f"INSERT INTO tuor.projects (org_id, id, name) SELECT '{org}', 'proj_' || lpad(n::text, 22, '0'), n FROM generate_series(0, 3) n")
    with open(f"{HERE}/scale.sql", encoding="utf-8") as f:
        load = f.read()
    found, there = {}, 0
    for power in range(3, args.scale + 1):
        rows = 10 ** power
        server.psql(load, org=org, first=there + 1, last=rows)
        there = rows
        runs = [measure(server, org, key, rows, 10 * args.seconds) for _ in range(args.runs)]
        found[rows] = {name: statistics.median(r[name] for r in runs) for name in runs[0]}
        print(f"{rows:>12,} traces: " + ", ".join(f"{name} {ms:.2f} ms" for name, ms in found[rows].items()), flush=True)
    size = int(server.psql("SELECT pg_total_relation_size('tuor.traces') + pg_total_relation_size('tuor.trace_events')"))
    print(f"\n{size / there:.0f} bytes on disk for a trace and its event\n\n{'':40}{FROM:>12,}{there:>14,}{'ratio':>8}  target")
    for name, ms in found[there].items():
        base = found.get(FROM, found[1000])[name]
        print(f"{name:40}{base:9.2f} ms{ms:11.2f} ms{ms / base:8.2f}  {TARGET} {'met' if ms / base <= TARGET else 'MISSED'}")
    if args.plot:
        plot(found, args.plot)
        print(f"\nthe plot is in {args.plot}")
