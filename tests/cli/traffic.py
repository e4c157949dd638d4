"""What a sync costs: bytes that the server counts as sent, and changes that came."""
import ssl
import time
import urllib.request


class Costs:
    def __init__(self, server):
        self.server = server

    def sent_bytes(self):
        context = ssl._create_unverified_context()
        url = self.server.url.replace("wss:", "https:").replace("ws:", "http:").rstrip("/") + "/metrics"
        text = urllib.request.urlopen(url, timeout=10, context=context).read().decode()
        return int([line for line in text.splitlines() if line.startswith("satcheld_sent_bytes_total ")][0].split()[1])

    def sync(self, device):
        """(bytes, changes)"""
        before = self.sent_bytes()
        received = device.sync()["received"]
        time.sleep(0.2)  # the figure is counted when the socket has taken them
        return self.sent_bytes() - before, received
