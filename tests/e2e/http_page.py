#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: page.py PORT DISCOVERCTL SOCKET|regions [FOLDER-FOR-SCREENSHOTS]

PORT is the HTTP port of one daemon, SOCKET that of another host's: what is registered there is to appear here. Between the
browser and the daemon stands a forwarder, so that the stream can break and mend. "regions": another region, b, has
shop/payment, and the own one nothing.
"""
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser  # noqa: E402

PORT, CTL, SOCKET = int(sys.argv[1]), sys.argv[2], sys.argv[3]
SHOTS = sys.argv[4] if len(sys.argv) > 4 else None


class Forwarder:
    """Passes connections on to the daemon, until they are cut."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open, self.passing = [], True
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            if not self.passing:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", PORT))
            self.open += [client, server]
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(a, b), daemon=True).start()

    @staticmethod
    def copy(a, b):
        try:
            while True:
                bytes_ = a.recv(65536)
                if not bytes_:
                    break
                b.sendall(bytes_)
        except OSError:
            pass
        for end in (a, b):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.passing = False
        for end in self.open:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []

    def mend(self):
        self.passing = True


def ctl(*arguments):
    subprocess.run([CTL, "-s", SOCKET, *arguments], check=True, stdout=subprocess.DEVNULL)


def register(service, instance, *more):
    """In the foreground of a process that ends with the registration."""
    return subprocess.Popen([CTL, "-s", SOCKET, "register", service, "--instance", instance, "--port", "8080", "--address",
                             "10.9.8.7", *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


SHOWN = "document.getElementById('rows').innerText"


def shows(text):
    return "%s.includes(%s)" % (SHOWN, repr(text))


def shot(b, name):
    if SHOTS:
        time.sleep(0.3)  # for colours that fade
        b.screenshot(os.path.join(SHOTS, name + ".png"))


def it_is_live(b):
    b.wait("document.getElementById('banner').className === 'live'")
    b.wait(shows("shop/payment"))
    assert b.eval("document.getElementById('why').textContent") == ""


def what_changes_is_seen(b):
    holder = register("shop/orders", "o1", "--tag", "canary", "--meta", "version=1.4")
    b.wait(shows("shop/orders"))
    b.wait(shows("10.9.8.7:8080"))
    b.wait(shows("canary"))
    b.wait(shows("1 / 1"))
    ctl("drain", "shop/orders")
    b.wait(shows("draining"))
    b.wait(shows("0 / 1"))
    assert b.eval(SHOWN).index("shop/orders") < b.eval(SHOWN).index("shop/payment"), "the worst comes first"
    shot(b, "drained")
    ctl("undrain", "shop/orders")
    b.wait(shows("1 / 1"))
    holder.terminate()
    holder.wait()
    b.wait("!" + shows("shop/orders"))


def search_is_in_the_url(b):
    holders = [register("shop/cart", "c1", "--tag", "blue"), register("shop/cart", "c2", "--tag", "green")]
    b.wait(shows("green") + " && " + shows("blue"))
    b.eval("document.getElementById('search').focus()")
    b.type("cart -green")
    b.wait("!%s && %s && !%s" % (shows("green"), shows("blue"), shows("shop/payment")))
    assert "q=cart+-green" in b.eval("location.search"), b.eval("location.search")
    b.open(b.eval("location.href"))
    b.wait(shows("blue"))
    assert not b.eval(shows("green"))
    shot(b, "search")
    b.key("/")
    b.key("Escape")
    b.wait(shows("green"))
    for holder in holders:
        holder.terminate()
        holder.wait()
    b.wait("!" + shows("shop/cart"))


def it_sorts_by_column(b):
    holders = [register("shop/aaa", "s1", "--weight", "7"), register("shop/zzz", "s1", "--weight", "99")]
    b.wait(shows("shop/aaa") + " && " + shows("shop/zzz"))
    click = "[...document.querySelectorAll('#columns button')].find(x => x.textContent.startsWith('%s')).click(); 1"
    first = SHOWN + ".indexOf('shop/%s') < " + SHOWN + ".indexOf('shop/%s')"
    b.eval(click % "weight")
    b.wait(first % ("zzz", "aaa"))
    assert "sort=weight" in b.eval("location.search"), b.eval("location.search")
    b.eval(click % "weight")
    b.wait(first % ("aaa", "zzz"))
    b.open(b.eval("location.href"))
    b.wait(shows("shop/zzz") + " && " + first % ("aaa", "zzz"))
    assert b.eval("sorting.by === 'weight' && sorting.down")
    b.eval("document.querySelector('#columns button').click(); 1")
    b.wait(first % ("aaa", "zzz"))
    b.eval(click % "state")
    for holder in holders:
        holder.terminate()
        holder.wait()
    b.wait("!%s && !%s" % (shows("shop/zzz"), shows("shop/aaa")))


def checks_say_what_they_said(b):
    """Of this host's instances; where another host's are told, the row says."""
    b.wait(shows("tcp critical: "))
    assert b.eval("[...document.querySelectorAll('.check.critical')].some(c => c.title.includes('critical for'))")
    holder = register("shop/far", "f1", "--check", "tcp=127.0.0.1:1 interval=200ms fall=1")
    b.wait(shows("ask b"))
    shot(b, "checks")
    holder.terminate()
    holder.wait()
    b.wait("!" + shows("shop/far"))


EVIL = ["<img src=x onerror=evil()>", "\"'><script>evil()</script>", "</script><script>evil()</script>", "${evil()}", "javascript:evil()",
        "&lt;b&gt;", "\u202emoc.live", "-x", "__proto__"]


def nothing_is_markup(b):
    """Whatever a registration may hold: metadata are free text; names and tags are labels, and taken as text all the same."""
    b.eval("window.evil = () => { window.evils = (window.evils || 0) + 1; }; 1")
    more = [x for n, text in enumerate(EVIL) for x in ("--meta", "k%d=%s" % (n, text))]
    holder = register("shop/evil", "constructor", "--tag", "constructor", *more)
    b.wait(shows("shop/evil"))
    b.eval("[...document.querySelectorAll('.row.instance')].find(r => r.innerText.includes('constructor')).click()")
    b.wait("!document.getElementById('panel').hidden")
    b.wait("document.getElementById('panel').innerText.includes('onerror=evil()')")
    inject = """(() => {
        const evil = %s;
        for (const [n, text] of evil.entries()) {
            put({ id: 'evil' + n, service: 'shop/' + text, host: text, instance: text, zone: text, region: text, state: 'passing', ipv4: text,
                  port: 1, weight: 1, priority: 0, tags: [text], meta: { [text]: text }, usable: true, output: text }, true);
        }
        window.evilStatus = { sync: 'stale', stale_ms: 1, bus_error: evil.join(' '), distrust: evil.join(' '), host: evil[0], version: evil[1] };
        status = evilStatus;
        refresh();
        banner();
        return 1;
    })()""" % EVIL
    b.eval(inject)
    b.wait(shows(EVIL[0]))
    b.eval("open({ instance: instances.get('evil0') }).then(() => 1)")
    b.eval("show('hosts'); 1")
    b.wait("hosts.length === 2 && %s" % shows("alive"))
    # Each time: the list, and the status below, may be asked for meanwhile.
    b.wait("""(%s.forEach(text => hosts.push({ host: text, alive: true, zone: text, region: text, instances: 1, ipv4: text, text,
        lease: { status: text, version: text, age_ms: 1, ttl_ms: 1, asked: 1 } })), refresh(), %s)""" % (EVIL, shows(EVIL[0])))
    b.wait("(status = evilStatus, show('daemon'), document.getElementById('status').innerText.includes('onerror'))")
    assert b.eval("document.querySelectorAll('img, #rows script, #panel script, iframe, a').length") == 0
    assert not b.eval("window.evils"), "something of a registration ran"
    holder.terminate()
    holder.wait()


def hands_and_readers(b):
    b.eval("document.getElementById('list').focus()")
    for _ in range(4):  # shop/search and its instance stand before
        b.key("ArrowDown")
    b.wait("document.querySelector('.row.selected.instance')")
    b.key("Enter")
    b.wait("!document.getElementById('panel').hidden && document.activeElement.id === 'panel-close'")
    b.wait("document.getElementById('panel').innerText.includes('payment.shop.discover.internal')")
    b.wait("document.getElementById('panel').innerText.includes('discoverctl drain shop/payment p1')")
    b.wait("document.getElementById('panel').innerText.includes('1 of 1 instance served')")
    b.wait("document.getElementById('panel').innerText.includes('served: it is passing')")
    b.wait("document.getElementById('panel').innerText.includes('payment.shop.discover.internal. 1 IN SRV 0 256 8080')")
    shot(b, "panel")
    b.key("Escape")
    b.wait("document.getElementById('panel').hidden && document.activeElement.id === 'list'")
    tree = b.send("Accessibility.getFullAXTree")["nodes"]
    roles = {(n.get("role", {}).get("value"), n.get("name", {}).get("value")) for n in tree if not n.get("ignored")}
    for wanted in (("table", "Services and their instances"), ("tab", "Hosts"), ("searchbox", "Search")):
        assert wanted in roles, (wanted, sorted(r for r in roles if r[0]))


def the_stream_breaks_and_mends(b, forwarder):
    forwarder.cut()
    b.wait("document.getElementById('banner').className === 'broken'")
    b.wait("document.getElementById('why').textContent.includes('as old as that')")
    shot(b, "broken")
    holder = register("shop/late", "l1")
    forwarder.mend()
    b.wait("document.getElementById('banner').className === 'live'")
    b.wait(shows("shop/late"))
    holder.terminate()
    holder.wait()


def another_region_answers(b):
    b.wait("document.getElementById('banner').className === 'live'")
    b.wait(shows("shop/payment") + " && " + shows("region b answers"))
    b.wait("!document.getElementById('tab-regions').hidden")
    b.eval("document.getElementById('tab-regions').click(); 1")
    b.wait(shows("live") + " && " + shows("1 / 1") + " && " + shows("this region answers"))
    assert "view=regions" in b.eval("location.search"), b.eval("location.search")
    shot(b, "regions")
    b.eval("document.querySelector('.row.other').click(); 1")
    panel = "document.getElementById('panel').innerText.includes(%s)"
    b.wait(panel % "'answers: b'")
    b.wait(panel % "'which answers for the service at present'")
    shot(b, "regions-panel")


def main():
    if not browser.program():
        print("there is no chromium here")
        return 77
    forwarder, b = Forwarder(), browser.Browser()
    home = "http://127.0.0.1:%d/" % forwarder.port
    try:
        b.size(1200, 700)
        b.open(home)
        if SOCKET == "regions":
            another_region_answers(b)
            return 0
        it_is_live(b)
        what_changes_is_seen(b)
        search_is_in_the_url(b)
        it_sorts_by_column(b)
        checks_say_what_they_said(b)
        hands_and_readers(b)
        the_stream_breaks_and_mends(b, forwarder)
        nothing_is_markup(b)
        b.open(home)
        b.size(390, 800, True)
        b.dark(True)
        it_is_live(b)
        assert b.eval("document.documentElement.scrollWidth <= innerWidth"), "a phone does not scroll sideways"
        shot(b, "phone-dark")
        strangers = [u for u in b.requests if not u.startswith(home) and not u.startswith("data:") and u != "about:blank"]
        assert not strangers, strangers
        of_tests = ("ERR_", "/v1/explain/")  # the stream was cut, and what was injected cannot be explained
        complaints = [c for c in b.complaints if not any(x in c for x in of_tests)]
        assert not complaints, complaints
    finally:
        b.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
