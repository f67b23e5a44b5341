#!/usr/bin/python3
"""An SMTP server for tests that keeps what it is given and can be told to
misbehave. Standard library only.

    smtpsink.py --port 2525 --dir /tmp/sink [--cert c.pem --key k.pem]
                [--auth user:password] [--script rules.txt] [--without DSN,SIZE]

or inside a test:

    sink = Sink(script="RCPT#1 450 4.2.0 later").start()
    sink.port; sink.wait(1); sink.messages[0].body; sink.set_script(""); sink.stop()

A message in the folder is NNNNNN.eml (the bytes of DATA, dots removed) and
NNNNNN.json (envelope, parameters, TLS, login); the .json appears last.

A script is one rule a line; the first that matches answers:

    VERB[#N][~TEXT] [delay=SECONDS] [drop | REPLY]

VERB: CONNECT EHLO HELO STARTTLS TLS AUTH MAIL RCPT DATA BODY END RSET NOOP QUIT.
CONNECT is the greeting, TLS the handshake, BODY the first bytes behind 354,
END the reply behind the final dot. #N: only the N-th time that verb is seen
by this sink (from 1). ~TEXT: only if the command contains TEXT. REPLY is sent
as it is, "\\n" separates its lines; without one the normal reply follows after
the delay. drop closes the connection without a word.
"""
import argparse
import asyncio
import base64
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time

EXTENSIONS = ["PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "DSN",
              "ENHANCEDSTATUSCODES"]


class Drop(Exception):
    pass


class Message:
    def __init__(self, envelope, body):
        self.__dict__.update(envelope)
        self.envelope, self.body = envelope, body


class Rule:
    def __init__(self, line):
        match = re.match(r"([A-Za-z]+)(?:#(\d+))?(?:~(\S+))?\s*(.*)$", line)
        if match is None:
            raise ValueError("bad rule: " + line)
        self.verb = match[1].upper()
        self.nth = int(match[2]) if match[2] else None
        self.text = match[3]
        rest = match[4]
        delay = re.match(r"delay=([\d.]+)\s*", rest)
        self.delay = float(delay[1]) if delay else 0
        if delay:
            rest = rest[delay.end():]
        self.drop = rest == "drop"
        self.reply = None if self.drop or not rest else rest.replace("\\n", "\n")


def parse_script(text):
    return [Rule(line.strip()) for line in text.splitlines()
            if line.strip() and not line.strip().startswith("#")]


class Sink:
    def __init__(self, folder=None, host="127.0.0.1", port=0, cert=None, key=None,
                 auth=None, script="", without=(), size=0, name="sink.test",
                 wrapped=False, auth_mechs="PLAIN LOGIN"):
        self.folder, self.host, self.port = folder, host, port
        self.auth, self.size, self.name = auth, size, name
        self.wrapped, self.auth_mechs = wrapped, auth_mechs
        self.without = set(without)
        self.rules = parse_script(script)
        self.seen = {}          # verb -> how often
        self.commands = []      # (connection number, line), in order
        self.messages = []
        self.connections = 0
        self.changed = threading.Condition()
        self.context = None
        if cert is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert, key)
        if folder is not None:
            os.makedirs(folder, exist_ok=True)
        self.loop = asyncio.new_event_loop()
        self.tasks = set()

    # --- control, from any thread

    def start(self):
        ready = threading.Event()

        def run():
            asyncio.set_event_loop(self.loop)
            server = self.loop.run_until_complete(asyncio.start_server(
                self.serve, self.host, self.port, limit=1 << 20,
                ssl=self.context if self.wrapped else None, backlog=1000))
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            self.loop.run_forever()
            server.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0.05))
            self.loop.close()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        if not ready.wait(10):
            raise RuntimeError("sink did not start")
        return self

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def set_script(self, text):
        """New rules; the counts of #N start again."""
        self.rules, self.seen = parse_script(text), {}

    def wait(self, count, seconds=10):
        """Waits until there are count messages; returns them."""
        end = time.monotonic() + seconds
        with self.changed:
            while len(self.messages) < count:
                left = end - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    break
        if len(self.messages) < count:
            raise AssertionError(
                f"{len(self.messages)} of {count} messages; commands: {self.commands[-30:]}")
        return self.messages[:]

    # --- serving

    async def rule(self, verb, line=""):
        """Applies the script: the reply to give, or None for the normal one."""
        count = self.seen[verb] = self.seen.get(verb, 0) + 1
        for rule in self.rules:
            if rule.verb != verb or rule.nth not in (None, count):
                continue
            if rule.text is not None and rule.text.lower() not in line.lower():
                continue
            if rule.delay:
                await asyncio.sleep(rule.delay)
            if rule.drop:
                raise Drop
            return rule.reply
        return None

    async def serve(self, reader, writer):
        self.connections += 1
        session = Session(self, reader, writer, self.connections)
        try:
            await session.run()
        except (Drop, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError,
                asyncio.LimitOverrunError, TimeoutError):
            pass
        finally:
            writer.transport.abort() if session.dropped else writer.close()

    def keep(self, envelope, body):
        number = len(self.messages) + 1
        if self.folder is not None:
            stem = os.path.join(self.folder, f"{number:06d}")
            with open(stem + ".eml", "wb") as file:
                file.write(body)
            with open(stem + ".tmp", "w", encoding="utf-8") as file:
                json.dump(envelope, file, ensure_ascii=False, indent=1)
            os.rename(stem + ".tmp", stem + ".json")
        with self.changed:
            self.messages.append(Message(envelope, body))
            self.changed.notify_all()


class Session:
    def __init__(self, sink, reader, writer, number):
        self.sink, self.reader, self.writer, self.number = sink, reader, writer, number
        self.tls = sink.wrapped
        self.helo = self.user = self.sender = None
        self.sender_params, self.rcpts = [], []
        self.dropped = False

    def send(self, reply):
        lines = reply.split("\n")
        self.writer.write("".join(line + "\r\n" for line in lines).encode())

    async def answer(self, verb, line, normal):
        """The script's reply or the normal one; True if it was positive."""
        reply = await self.sink.rule(verb, line)
        reply = normal if reply is None else reply
        self.send(reply)
        return reply[:1] in "23"

    async def run(self):
        if not await self.answer("CONNECT", "", f"220 {self.sink.name} ESMTP sink"):
            await self.writer.drain()
        while True:
            await self.writer.drain()
            raw = await self.reader.readuntil(b"\n")
            line = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
            self.sink.commands.append((self.number, line))
            verb = line.split(" ", 1)[0].upper()
            handler = getattr(self, "do_" + verb.lower(), None)
            if handler is None:
                self.send("500 5.5.2 unknown command")
            elif await handler(line):
                return

    async def do_ehlo(self, line):
        sink, lines = self.sink, [self.sink.name]
        for word in EXTENSIONS:
            if word not in sink.without:
                lines.append(f"SIZE {sink.size}" if word == "SIZE" else word)
        if sink.context and not self.tls:
            lines.append("STARTTLS")
        if sink.auth and (self.tls or not sink.context):
            lines.append("AUTH " + sink.auth_mechs)
        reply = "\n".join("250-" + text for text in lines[:-1]) + "\n250 " + lines[-1]
        if await self.answer("EHLO", line, reply):
            self.helo = line[5:]

    async def do_helo(self, line):
        if await self.answer("HELO", line, "250 " + self.sink.name):
            self.helo = line[5:]

    async def do_starttls(self, line):
        if self.sink.context is None:
            self.send("502 5.5.1 no TLS here")
            return
        if not await self.answer("STARTTLS", line, "220 2.0.0 go ahead"):
            return
        await self.writer.drain()
        await self.sink.rule("TLS")
        await self.writer.start_tls(self.sink.context)
        self.tls, self.helo, self.user = True, None, None

    async def line(self):
        return (await self.reader.readuntil(b"\n")).strip()

    async def do_auth(self, line):
        words = line.split(" ")
        reply = await self.sink.rule("AUTH", line)
        try:
            if words[1].upper() == "PLAIN":
                if len(words) < 3:
                    self.send("334 ")
                    words.append((await self.line()).decode())
                _, user, password = base64.b64decode(words[2]).decode().split("\0")
            else:
                self.send("334 VXNlcm5hbWU6")
                user = base64.b64decode(await self.line()).decode()
                self.send("334 UGFzc3dvcmQ6")
                password = base64.b64decode(await self.line()).decode()
        except ValueError:
            self.send("501 5.5.2 cannot decode")
            return
        good = self.sink.auth == f"{user}:{password}"
        reply = reply or ("235 2.7.0 welcome" if good else "535 5.7.8 wrong")
        if reply.startswith("2"):
            self.user = user
        self.send(reply)

    @staticmethod
    def path(line):
        match = re.match(r"[^:]*:\s*<(.*?)>\s*(.*)$", line)
        return (match[1], match[2].split()) if match else (None, [])

    async def do_mail(self, line):
        address, params = self.path(line)
        if address is None or self.sender is not None:
            self.send("503 5.5.1 bad sequence or syntax")
            return
        if self.sink.auth and self.user is None:
            self.send("530 5.7.0 log in first")
            return
        if await self.answer("MAIL", line, "250 2.1.0 sender ok"):
            self.sender, self.sender_params, self.rcpts = address, params, []

    async def do_rcpt(self, line):
        address, params = self.path(line)
        if address is None or self.sender is None:
            self.send("503 5.5.1 bad sequence or syntax")
        elif await self.answer("RCPT", line, "250 2.1.5 recipient ok"):
            self.rcpts.append({"address": address, "params": params})

    async def do_data(self, line):
        if not self.rcpts:
            self.send("554 5.5.1 no valid recipients")
            return
        reply = await self.sink.rule("DATA", line)
        self.send(reply or "354 go ahead")
        if reply and not reply.startswith("3"):
            return
        await self.writer.drain()
        body, first = [], True
        while True:
            raw = await self.reader.readuntil(b"\n")
            if first:
                first = False
                reply = await self.sink.rule("BODY")
                if reply:
                    self.send(reply)
                    return True
            if raw == b".\r\n":
                break
            body.append(raw[1:] if raw.startswith(b".") else raw)
        if await self.answer("END", "", "250 2.0.0 kept"):
            self.sink.keep({
                "sender": self.sender, "sender_params": self.sender_params,
                "rcpts": self.rcpts, "helo": self.helo, "tls": self.tls,
                "user": self.user, "connection": self.number,
                "port": self.sink.port}, b"".join(body))
        self.sender, self.rcpts = None, []

    async def do_rset(self, line):
        if await self.answer("RSET", line, "250 2.0.0 ok"):
            self.sender, self.rcpts = None, []

    async def do_noop(self, line):
        await self.answer("NOOP", line, "250 2.0.0 ok")

    async def do_quit(self, line):
        await self.answer("QUIT", line, "221 2.0.0 bye")
        await self.writer.drain()
        return True


def make_cert(folder, name="sink.test"):
    """A self-signed certificate; returns (certificate path, key path)."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                    "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name,
                    "-keyout", key, "-out", cert],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


def main():
    parser = argparse.ArgumentParser(description="SMTP server for tests")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dir", help="folder for the messages")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--auth", help="user:password")
    parser.add_argument("--script", help="file with rules")
    parser.add_argument("--without", default="", help="extensions not offered")
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--name", default="sink.test")
    parser.add_argument("--wrapped", action="store_true", help="TLS from the start")
    args = parser.parse_args()
    script = ""
    if args.script:
        with open(args.script, encoding="utf-8") as file:
            script = file.read()
    sink = Sink(args.dir, args.host, args.port, args.cert, args.key, args.auth,
                script, [w for w in args.without.split(",") if w], args.size,
                args.name, args.wrapped).start()
    print(sink.port, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
