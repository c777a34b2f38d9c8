#!/usr/bin/env python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Looks at an OpenAPI 3.1 document, and at real answers with its eyes.

    openapi.py lint DOCUMENT             what is wrong with the document itself
    openapi.py check DOCUMENT ANSWERS    what in the answers it does not describe

ANSWERS holds a JSON object a line: method, path (as requested), status, headers
(lower case), body (text), and sent (the JSON text of the request, or null). Each
thing that is wrong is a line on standard output; with none the exit status is 0.
"""
import json
import re
import sys

from jsonschema import Draft202012Validator

METHODS = ("get", "put", "post", "delete", "patch", "options", "head", "trace")


def walk(node, at="#"):
    """Every object and array of the document with its place."""
    yield at, node
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from walk(value, f"{at}/{key}")


class Document:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = json.load(file)

    def resolve(self, node):
        """Follow a $ref, and those that it leads to."""
        while isinstance(node, dict) and "$ref" in node:
            target = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def validator(self, schema):
        return Draft202012Validator({"allOf": [schema], "components": self.root["components"]})

    def faults(self, schema, value):
        for error in self.validator(schema).iter_errors(value):
            deepest = min(error.context or [error], key=lambda e: -len(e.absolute_path)) if error.context else error
            yield f"{'/'.join(map(str, deepest.absolute_path)) or 'it'}: {deepest.message[:200]}"

    def operations(self):
        for place in ("paths", "webhooks"):
            for path, item in self.root.get(place, {}).items():
                for method in METHODS:
                    if method in item:
                        yield f"{method.upper()} {path}", path, item, item[method]

    def find(self, method, path):
        """The operation of a request: literal segments win over parameters."""
        wanted = path.split("?")[0].rstrip("/").split("/")
        best = None
        for template, item in self.root["paths"].items():
            parts = template.rstrip("/").split("/")
            if len(parts) != len(wanted) or not all(p.startswith("{") or p == w for p, w in zip(parts, wanted)):
                continue
            rank = [p.startswith("{") for p in parts]
            if best is None or rank < best[0]:
                best = (rank, template, item)
        method = "get" if method == "HEAD" else method.lower()
        return (best[1], best[2].get(method)) if best else (None, None)


# ------------------------------------------------------------------------ lint

def lint_references(doc):
    used = set()
    for at, node in walk(doc.root):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            used.add(node["$ref"])
            try:
                doc.resolve(node)
            except (KeyError, TypeError):
                yield f"{at}: {node['$ref']} leads nowhere"
    for kind, members in doc.root["components"].items():
        for name in members:
            if kind != "securitySchemes" and f"#/components/{kind}/{name}" not in used:
                yield f"#/components/{kind}/{name} is used nowhere"


def lint_schemas(doc):
    for kind in ("schemas",):
        for name, schema in doc.root["components"][kind].items():
            for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
                yield f"schema {name}: {error.message[:200]}"
            for example in schema.get("examples", []):
                for fault in doc.faults(schema, example):
                    yield f"schema {name}: its example: {fault}"


def lint_content(doc, where, content):
    for media, body in content.items():
        schema = body.get("schema")
        if schema is None:
            yield f"{where}: {media} has no schema"
            continue
        examples = [body["example"]] if "example" in body else []
        examples += [e["value"] for e in body.get("examples", {}).values()]
        for example in examples:
            for fault in doc.faults(schema, example):
                yield f"{where}: the example: {fault}"


def lint_operation(doc, name, path, item, op):
    for member in ("operationId", "summary", "tags", "responses"):
        if not op.get(member):
            yield f"{name} has no {member}"
    known = {tag["name"] for tag in doc.root.get("tags", [])}
    yield from (f"{name}: the tag {tag} is not described" for tag in op.get("tags", []) if tag not in known)
    parameters = [doc.resolve(p) for p in item.get("parameters", []) + op.get("parameters", [])]
    in_path = {p["name"] for p in parameters if p["in"] == "path"}
    if in_path != set(re.findall(r"{(\w+)}", path)):
        yield f"{name}: its path parameters are {sorted(in_path)}"
    if len({(p["in"], p["name"]) for p in parameters}) != len(parameters):
        yield f"{name} has a parameter twice"
    for p in parameters:
        if not p.get("description") and p["in"] != "path" and "enum" not in doc.resolve(p["schema"]) and not p["name"].startswith("X-Tuor-"):
            yield f"{name}: the parameter {p['name']} has no description"
        if "example" in p:
            yield from (f"{name}: the parameter {p['name']}: {fault}" for fault in doc.faults(p["schema"], p["example"]))
    if "requestBody" in op:
        yield from lint_content(doc, f"{name}, request", doc.resolve(op["requestBody"])["content"])
    for status, response in op.get("responses", {}).items():
        response = doc.resolve(response)
        if not response.get("description"):
            yield f"{name}: {status} has no description"
        yield from lint_content(doc, f"{name}, {status}", response.get("content", {}))
    if not any(status.startswith("2") for status in op.get("responses", {})):
        yield f"{name} describes no success"


def lint(doc):
    if not doc.root.get("openapi", "").startswith("3.1."):
        yield "it is no OpenAPI 3.1"
    for member in ("title", "version", "description", "license"):
        if not doc.root.get("info", {}).get(member):
            yield f"info has no {member}"
    yield from lint_references(doc)
    yield from lint_schemas(doc)
    ids = set()
    for name, path, item, op in doc.operations():
        yield from lint_operation(doc, name, path, item, op)
        if op.get("operationId") in ids:
            yield f"{name}: the operationId {op['operationId']} exists already"
        ids.add(op.get("operationId"))


# ----------------------------------------------------------------------- check

def check_headers(doc, response, headers):
    for name, header in response.get("headers", {}).items():
        header = doc.resolve(header)
        value = headers.get(name.lower())
        if value is None:
            if header.get("required"):
                yield f"{name} is missing"
            continue
        yield from (f"{name}: {fault}" for fault in doc.faults(header["schema"], value))


def check_content(doc, content, headers, text):
    media = headers.get("content-type", "").split(";")[0]
    if media not in content:
        yield f"{media or 'no type'} is not described"
        return
    body = content[media]
    if "json" not in media:
        return
    try:
        if "x-tuor-line" in body:
            for line in text.splitlines():
                yield from doc.faults(body["x-tuor-line"], json.loads(line))
        else:
            yield from doc.faults(body["schema"], json.loads(text))
    except ValueError as error:
        yield f"it is no JSON: {error}"


def check_request(doc, op, sent):
    """What the server took, the document must allow."""
    content = doc.resolve(op.get("requestBody", {})).get("content", {})
    if "application/json" not in content:
        return ["takes a body that is not described"] if not content and sent != "{}" else []
    return [f"the request that it took: {fault}" for fault in doc.faults(content["application/json"]["schema"], json.loads(sent))]


def check_answer(doc, answer):
    template, op = doc.find(answer["method"], answer["path"])
    if op is None:
        return ["is not described"]
    status = str(answer["status"])
    if status not in op["responses"]:
        return [f"{status} is not described"]
    response = doc.resolve(op["responses"][status])
    faults = list(check_headers(doc, response, answer["headers"]))
    content = response.get("content", {})
    if answer["method"] != "HEAD" and (content or answer["body"]):
        faults += check_content(doc, content, answer["headers"], answer["body"])
    if answer.get("sent") and status.startswith("2"):
        faults += check_request(doc, op, answer["sent"])
    return faults


def check(doc, path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            answer = json.loads(line)
            for fault in check_answer(doc, answer):
                yield f"{answer['method']} {answer['path']} {answer['status']}: {fault}"


def main(argv):
    doc = Document(argv[2])
    found = list(lint(doc) if argv[1] == "lint" else check(doc, argv[3]))
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
