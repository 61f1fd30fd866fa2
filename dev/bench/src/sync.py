"""The script of "Manual Sync of VMware Identity Manager (vIDM) via API", as people run it: one login, the list, one kick-off.

The article then sleeps for a minute; here it ends. Usage: sync.py URL DIRECTORY
"""

import json
import sys

try:
    import requests
except ImportError:
    requests = None
    import urllib.request

V1 = "application/vnd.vmware.horizon.v1.0+json"
MANAGER = "application/vnd.vmware.horizon.manager.connector.management.directory."


class Plain:
    """What the script needs of `requests.Session`, where that is not installed."""

    def __init__(self):
        self.headers = {}

    def send(self, url, data=None):
        request = urllib.request.Request(url, data and data.encode(), self.headers)
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read() or b"{}")


class Requests:
    def __init__(self):
        self.session = requests.Session()
        self.headers = self.session.headers

    def send(self, url, data=None):
        response = self.session.post(url, data=data) if data else self.session.get(url)
        response.raise_for_status()
        return json.loads(response.content or b"{}")


def main(url, name):
    session = Requests() if requests else Plain()
    session.headers.update({"content-type": "application/json", "accept": "application/json"})
    login = json.dumps({"username": "bench", "password": "no secret", "issueToken": "true"})
    token = session.send(f"{url}/SAAS/API/1.0/REST/auth/system/login", login)["sessionToken"]
    session.headers.update({"authorization": f"HZN {token}", "accept": f"{MANAGER}list+json"})
    configs = f"{url}/SAAS/jersey/manager/api/connectormanagement/directoryconfigs"
    directories = session.send(configs)["items"]
    directory = next(item["directoryId"] for item in directories if item["name"] == name)
    session.headers.update({"accept": V1, "content-type": f"{MANAGER}sync.profile.sync+json"})
    session.send(f"{configs}/{directory}/syncprofile/sync", json.dumps({"ignoreSafeguards": "false"}))
    print("requests" if requests else "urllib")


main(*sys.argv[1:])
