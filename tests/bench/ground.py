"""What measuring stands on: the programs under test, a server with its CPU and memory, a fleet of devices, a relay
that counts.

A home remembers its server's address, so a server keeps its port over restarts; a relay takes that port while the
server listens
elsewhere. Everything lies in one scratch directory that is removed at the end."""
import atexit
import json
import os
import random
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PASSPHRASE = "bench"  # tests/bench/fleet.h
ACCOUNTS = 20
TIME_MAX_S = 900
TICKS_S = os.sysconf("SC_CLK_TCK")
MB = 1024 * 1024


def environment():
    env = {name: value for name, value in os.environ.items() if not name.startswith("SATCHEL")}
    env.update(LC_ALL="C.UTF-8")
    return env


class Ran:
    """A command that has ended well: wall and CPU seconds, peak memory in bytes, and what it printed as JSON lines."""

    def __init__(self, ground, args, stdin=None):
        report = os.path.join(ground.folder, "ran-%d.json" % threading.get_ident())
        done = subprocess.run([ground.program("bench_run"), report] + list(args), input=stdin or b"",
                stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment(), cwd=ground.folder, timeout=TIME_MAX_S,
                                      check=False)
        self.text = done.stdout.decode("utf-8")
        if done.returncode != 0:
            raise SystemExit("%s ended with %d:\n%s" % (" ".join(args), done.returncode, done.stderr.decode()[-2000:]))
        with open(report, encoding="ascii") as file:
            took = json.load(file)
        self.wall_s, self.cpu_s, self.peak_bytes = took["wall_s"], took["cpu_s"], took["peak_bytes"]

    def rows(self):
        return [json.loads(line) for line in self.text.splitlines()]


class Server:
    def __init__(self, ground, name, options=()):
        self.ground, self.data = ground, os.path.join(ground.folder, name)
        self.log = self.data + ".log"
        self.port, self.process, self.options = 0, None, list(options)

    def start(self, port=None):
        """Listens on `port`, else where it did before."""
        listen = "127.0.0.1:%d" % (self.port if port is None else port)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.ground.satcheld, "--data", self.data, "--listen", listen] + self.options,
                        stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, env=environment())
        self.ground.started.append(self.process)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("satcheld did not start; see %s" % self.log)
        ready = json.loads(line)
        self.url, self.pin = ready["url"], ready["pin"]
        listening = int(self.url.rstrip("/").rsplit(":", 1)[1])
        if port is None:
            self.port = listening
        return listening

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()

    def token(self):
        return Ran(self.ground, [self.ground.satcheld, "token", "--data", self.data]).text.strip()

    def cpu_s(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_S

    def memory(self, name="VmRSS"):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
        raise SystemExit("no %s" % name)

    def certificate(self):
        return [os.path.join(self.data, name) for name in ("tls-cert.pem", "tls-key.pem")]


class Relay:
    """Passes bytes on between its port and the server's, and counts them."""

    def __init__(self, port, to_port):
        self.to_port, self.up, self.down = to_port, 0, 0
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to_port))
            threading.Thread(target=self.carry, args=(client, server), daemon=True).start()

    def carry(self, client, server):
        chooser = selectors.DefaultSelector()
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            chooser.register(end, selectors.EVENT_READ)
        alive = True
        while alive:
            for key, _ in chooser.select():
                try:
                    data = key.fileobj.recv(256 * 1024)
                    (server if key.fileobj is client else client).sendall(data)
                except OSError:
                    data = b""
                alive = alive and bool(data)
                if key.fileobj is client:
                    self.up += len(data)
                else:
                    self.down += len(data)
        chooser.close()
        client.close()
        server.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Fleet:
    """An org made by bench_devices."""

    def __init__(self, ground, server, name, territories, devices):
        self.ground, self.server, self.folder = ground, server, os.path.join(ground.folder, name)
        Ran(ground, [ground.program("bench_devices"), "make", server.url, server.pin, server.token(), self.folder,
                     str(territories), str(devices)])

    def admin(self):
        return os.path.join(self.folder, "admin")

    def home(self, number):
        return os.path.join(self.folder, "d%04d" % number)

    def satchel(self, number, *args, stdin=None):
        return Ran(self.ground, [self.ground.satchel, *args, "--json", "--home", self.home(number), "--passphrase-file",
                                 self.ground.passphrase_file], stdin=stdin)

    def sync(self, number):
        ran = self.satchel(number, "sync", "--timeout", str(TIME_MAX_S))
        if not ran.rows()[-1]["in_sync"]:
            raise SystemExit("not in sync: %s" % ran.text)
        return ran


class Ground:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.satcheld, self.satchel = os.path.join(self.build, "satcheld"), os.path.join(self.build, "satchel")
        self.folder = tempfile.mkdtemp(prefix="satchel-bench-")
        self.started = []
        atexit.register(self.clean)
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # which cleans up
        self.passphrase_file = os.path.join(self.folder, "passphrase")
        with open(self.passphrase_file, "w", encoding="ascii") as file:
            file.write(PASSPHRASE + "\n")

    def clean(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def program(self, name):
        return os.path.join(self.build, "tests", "bench", name)

    def start(self, *args):
        """A program that runs until its stdin is closed, with its stdout as a pipe."""
        process = subprocess.Popen([self.program(args[0])] + [str(arg) for arg in args[1:]], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=environment())
        self.started.append(process)
        return process


WORDS = ("visit order price shelf display promised delivery sample competitor stock manager owner "
         "wants quote invoice next week "
         "agreed discount poster corner freezer cooler premium summer winter brand new line trial "
         "box carton pallet signed "
         "called meeting lunch north south east west branch head office parking 客户 价格 订单 库存 下周 陈列 送货 样品 竞争 经理 "
         "合同 促销 冰柜 新品 试用 电话 门店 付款").split()
WORD_BYTES = sum(len(word.encode()) + 1 for word in WORDS) / len(WORDS)


def text(dice, size):
    """Words of about `size` bytes."""
    return " ".join(dice.choices(WORDS, k=round(size / WORD_BYTES)))


def visits(n, seed):
    """NDJSON of n visits; each has a body of about 300 bytes before it is compressed and sealed."""
    dice, lines = random.Random(seed), []
    for _ in range(n):
        day = "2026-%02d-%02dT%02d:%02d:00+08:00" % (dice.randint(1, 12), dice.randint(1, 28), dice.randint(8, 18),
                                                    dice.randint(0, 59))
        account = "01900000-0000-7000-8000-%06x%06x" % (0, dice.randrange(ACCOUNTS))
        lines.append(json.dumps({"type": "visit", "fields": {
            "account": account, "started_at": day, "purpose": dice.choice(("order", "service", "intro")),
            "note": text(dice, 190), "next_step": text(dice, 35), "state": "reviewed"}}, ensure_ascii=False))
    return ("\n".join(lines) + "\n").encode("utf-8")


PLACES = "北京 上海 广州 深圳 杭州 南京 成都 武汉 西安 重庆 台北 臺中 高雄 苏州 天津 青岛 大连 宁波 厦门 福州".split()
SYLLABLES = "华安科达远通信诚鼎盛宏金海天龙东方新世纪联合创智云腾飞瑞祥和明德嘉美康泰中国光大亚太華達遠聯創龍"
TRADES = "科技 贸易 电子 機械 医疗器械 食品 服裝 建材 物流 化工 餐饮 文化传播 生物技术 汽车配件 五金".split()
FORMS = "有限公司 有限责任公司 股份有限公司 集团 商行".split()
SURNAMES, GIVEN = "王李张刘陈楊黄趙吴周徐孫马朱胡郭何林高罗", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平国华建文"
LATIN = ("Schmidt Müller Northwind Traders Königlich Essen Santé Gourmet Lanchonetes Blauer See Frankenversand "
         "Galería Monde Entier Île France Chop-suey Handel").split()
SENTENCES = (
    "客户对价格比较敏感 希望下周再谈 关系维护良好 關係需要加強 上次拜訪時提到竞争对手报价更低 要求提供样品 账期三十天 帳期六十天 对质量很满意 "
             "投诉物流太慢 决策人是采购经理 需要发送新的产品目录 下个月有大单 預算已經批准 合同条款待法務確認 付款及时 想了解售后服务 已约好技术交流 "
             "请带上合同复印件 会议时间改到周五 客戶轉介紹了一個新客戶 库存不足 发票抬头要改 后天回电话").split()
# The commonest characters of Chinese, for what no list foresees.
COMMON = ("的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度"
          "家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原"
          "又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接")


def customers(n, seed):
    """NDJSON of n records as a rep has them: accounts, contacts, visits, tasks; in Chinese, both kinds, and Latin."""
    dice, lines = random.Random(seed), []

    def company():
        if dice.random() < 0.2:
            return "%s %s %d" % (dice.choice(LATIN), dice.choice(LATIN), dice.randrange(1000))
        middle = "".join(dice.choices(SYLLABLES, k=dice.randint(2, 3)))
        return dice.choice(PLACES + [""] * 10) + middle + dice.choice(TRADES) + dice.choice(FORMS)

    def person():
        return dice.choice(SURNAMES) + "".join(dice.choices(GIVEN, k=dice.randint(1, 2)))

    def note():
        def sentence():
            if dice.random() < 0.67:
                return dice.choice(SENTENCES)
            return "".join(COMMON[int(len(COMMON) * dice.random() ** 2)] for _ in range(dice.randint(4, 13)))
        return "，".join(sentence() for _ in range(dice.randint(3, 7))) + "。"

    for _ in range(n):
        kind = dice.choices(("account", "contact", "visit", "task"), (40, 20, 30, 10))[0]
        fields = {"account": lambda: {"name": company(), "city": dice.choice(PLACES), "note": note()},
                  "contact": lambda: {"name": person(), "title": "采购经理",
                                      "phones": ["138%08d" % dice.randrange(10 ** 8)]},
                  "visit": lambda: {"purpose": dice.choice(SENTENCES), "note": note()},
                  "task": lambda: {"title": dice.choice(SENTENCES)}}[kind]()
        lines.append(json.dumps({"type": kind, "fields": fields}, ensure_ascii=False))
    return ("\n".join(lines) + "\n").encode("utf-8")


class Lines(threading.Thread):
    """The JSON lines that a process prints, as they come."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.rows, self.more = process, [], threading.Condition()
        self.start()

    def run(self):
        for line in self.process.stdout:
            with self.more:
                self.rows.append(json.loads(line))
                self.more.notify()

    def wait(self, enough, seconds):
        """Until enough(rows); whether it came to that."""
        with self.more:
            return self.more.wait_for(lambda: enough(self.rows), seconds)


def machine_busy_s():
    """CPU seconds that this machine has worked, for anybody, since it started."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / TICKS_S


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def say(what):
    sys.stderr.write("  %s\n" % what)
    sys.stderr.flush()
