#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""page_times.py PORT FOLDER: how long the page takes to be there, and when it shows what is registered meanwhile.

When all is shown it makes FOLDER/ready, waits for FOLDER/changes (a line each: a service, and when it was registered, in
milliseconds since 1970), and writes FOLDER/times: first paint, all shown, and a line for each change, in milliseconds.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../e2e"))
import browser  # noqa: E402

port, folder = sys.argv[1], sys.argv[2]
b = browser.Browser()
for pid in (b.process.pid, os.getpid(), os.getppid()):  # where sessions are scheduled as groups: before others' sessions
    try:
        with open("/proc/%d/autogroup" % pid, "w") as group:
            group.write("-20")
    except OSError:
        pass
try:
    b.size(1200, 900)
    b.open("http://127.0.0.1:%s/" % port)
    b.wait("performance.getEntriesByName('loaded').length && document.querySelectorAll('.row.instance').length > 10", 60)
    paint = b.eval("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    loaded = b.eval("performance.getEntriesByName('loaded')[0].startTime")
    rows = b.eval("count")
    b.eval("""window.seen = {};
        new MutationObserver(() => {
            for (const row of document.querySelectorAll('.row.service')) {
                const name = row.innerText.split('\\n')[0];
                if (name.startsWith('aaa/') && !(name in seen)) seen[name] = performance.timeOrigin + performance.now();
            }
        }).observe(document.getElementById('rows'), { childList: true, subtree: true, characterData: true }); 1""")
    open(os.path.join(folder, "ready"), "w").close()
    changes = os.path.join(folder, "changes")
    while not os.path.exists(changes):
        b.read(0.05)
    time.sleep(0.5)
    seen = b.eval("seen")
    with open(os.path.join(folder, "times.new"), "w") as out:
        print(paint, loaded, rows, file=out)
        for line in open(changes):
            name, at = line.split()
            print(seen.get(name, 0) - float(at), file=out)
    os.rename(os.path.join(folder, "times.new"), os.path.join(folder, "times"))
finally:
    b.close()
