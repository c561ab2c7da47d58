"""A browser without a screen, for the demonstration: reads pages, fills in their forms, and presses the button.

    browser.py open URL [LANGUAGE]      fetches a page
    browser.py press [NAME=VALUE...]    fills in the form of the page opened last, and sends it as the form says
    browser.py post URL NAME=VALUE...   no page: a call with JSON, as a script makes it

Prints what a reader sees of the page, or the answer to a call.  Keeps the page that is open in $DJUST_TMP/page.json.
"""

import html.parser
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 60
PAGE = os.path.join(os.environ["DJUST_TMP"], "page.json")
VOID = {"br", "hr", "img", "input", "link", "meta"}
UNSEEN = {"script", "style", "title"}


class Reader(html.parser.HTMLParser):
    """The lines that are to be seen, and the form.  Rules for passwords are shown once they are broken."""

    def __init__(self, text):
        super().__init__()
        self.lines, self.text, self.form = [], "", None
        self.open = []  # for each element around the text, whether it is hidden
        self.feed(text)
        self.end_line()

    def end_line(self):
        if self.text.strip():
            self.lines.append(" ".join(self.text.split()))
        self.text = ""

    def handle_starttag(self, tag, attributes):
        value = dict(attributes)
        if tag == "form":
            self.form = {"method": value.get("method", "get"), "action": value.get("action", ""),
                         "fields": {}, "required": []}
        elif tag == "input" and self.form is not None:
            self.handle_field(value)
        elif tag == "button":
            self.text += "[ "
        if tag not in VOID:
            rule = tag == "li" and value.get("class") != "unmet"
            self.open.append(tag in UNSEEN or "hidden" in value or rule)

    def handle_field(self, value):
        if "name" in value:
            self.form["fields"][value["name"]] = value.get("value", "")
            self.form["required"] += [value["name"]] if "required" in value else []
        if value.get("type") in ("text", "password"):
            self.end_line()
            label = self.lines.pop() + ": " if self.lines else ""
            self.lines.append(label + (value.get("value") or "____________"))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if tag == "button":
            self.text += " ]"
        self.open.pop()
        if tag != "span":
            self.end_line()

    def handle_data(self, data):
        if not any(self.open):
            self.text += data


def request(url, data=None, headers=()):
    """The response, whatever its status; waits for a server that is still starting."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return urllib.request.urlopen(urllib.request.Request(url, data, dict(headers)), timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > deadline:
                return error
        except urllib.error.URLError as error:
            # after any other failure the server may have done what a repetition would do twice
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > deadline:
                sys.exit(f"{url}: {error.reason}")
        time.sleep(0.02)


def show(method, url, language, data=None):
    with request(url, data, {"Accept": "text/html", "Accept-Language": language}) as response:
        kind, text = response.headers.get_content_type(), response.read().decode()
    path = re.sub("(token=.{12}).*", r"\1...", url.split("/", 3)[3])
    print(f"{method} /{path}  {response.status}")
    if kind != "text/html":
        sys.exit(f"this is no page: {text}")
    page = Reader(text)
    with open(PAGE, "w", encoding="utf-8") as file:
        json.dump({"url": url, "language": language, "form": page.form}, file)
    print("\n".join("    | " + line for line in page.lines))


def press(values):
    with open(PAGE, encoding="utf-8") as file:
        page = json.load(file)
    form = page["form"] or sys.exit("the page has no form")
    for name in values:
        if name not in form["fields"]:
            sys.exit(f"the form has no field {name}")
    fields = {**form["fields"], **values}
    if form["method"] != "post" or not all(fields[name] for name in form["required"]):
        sys.exit(f"a browser would not send this form: {form}")
    # urljoin() keeps the query of the page where the action is an empty one
    action = page["url"].split("?")[0] if form["action"] == "?" else urllib.parse.urljoin(page["url"], form["action"])
    show("POST", action, page["language"], urllib.parse.urlencode(fields).encode())


def post(url, values):
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    with request(url, json.dumps(values).encode(), headers) as response:
        print(response.read().decode())


def main(action, *words):
    if action == "open":
        show("GET", words[0], *(words[1:] or ("en",)))
    elif action == "press":
        press(dict(word.split("=", 1) for word in words))
    else:
        post(words[0], dict(word.split("=", 1) for word in words[1:]))


main(*sys.argv[1:])
