# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The peer: Fastify and pg (peer/), installed into a temporary directory and started beside the server, on its database."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

from server import free_port, processes, tree

HERE = os.path.dirname(os.path.abspath(__file__))


class Peer:
    """None of its files stay; stop() ends it."""

    def __init__(self, server):
        self.server = server
        self.dir = tempfile.mkdtemp(prefix="tuor-bench-")
        for name in "package.json", "package-lock.json", "server.mjs":
            shutil.copy(f"{HERE}/peer/{name}", self.dir)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--cache", f"{self.dir}/cache"],
                       cwd=self.dir, check=True, stdout=subprocess.DEVNULL)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(["node", "server.mjs"], cwd=self.dir, env=dict(server.pg_env, PORT=str(port), NODE_ENV="production"))
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise SystemExit("t/bench/run: the peer does not start")

    def cpu(self):
        """Seconds of CPU so far: its own and PostgreSQL's"""
        time.sleep(0.2)
        found = processes()
        return [sum(found[p][1] for p in tree(root, found)) for root in (self.process.pid, self.server.postgres)]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def make(server):
    """The peer, or None where there is no npm or no registry, which is said"""
    if not shutil.which("npm"):
        print("no peer: npm is not here (apt-get install npm)")
        return None
    try:
        return Peer(server)
    except subprocess.CalledProcessError:
        print("no peer: npm ci did not succeed")
        return None
