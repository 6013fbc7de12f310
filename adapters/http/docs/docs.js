// Shows /openapi.json to people. It knows only as much of OpenAPI as that document
// uses, and builds elements rather than HTML, so nothing in it can become markup.
"use strict";

let contract;

// element makes <tag attributes…>children…</tag>.
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  made.append(...children.filter((child) => child != null));
  return made;
}

// resolve follows a $ref within the document.
function resolve(value) {
  if (!value || !value.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((at, part) => at[part], contract);
}

const schemaName = (schema) => schema.$ref && schema.$ref.split("/").pop();

// kind describes a schema in a few words, with links to those that have a name.
function kind(schema) {
  const name = schemaName(schema);
  if (name) return [element("a", { href: "#schema-" + name }, name)];
  if (schema.oneOf) return schema.oneOf.flatMap((s, i) => (i ? [" or ", ...kind(s)] : kind(s)));
  const types = [].concat(schema.type || "any");
  if (types.includes("array")) return ["list of ", ...kind(schema.items), schemaName(schema.items) || schema.items.oneOf ? "" : "s"];
  if (types.includes("object") && schema.additionalProperties && schema.additionalProperties.type) return ["map of " + schema.additionalProperties.type + "s"];
  return [types.map((type) => (type === "string" && schema.format ? schema.format : type)).join(" or ")];
}

// remarks is the description with what restricts the values.
function remarks(schema, description) {
  const said = [description || schema.description];
  if (schema.enum && schema.enum.length <= 12) said.push("One of " + schema.enum.join(", ") + ".");
  if (schema.default !== undefined) said.push("Default " + schema.default + ".");
  if (schema.minimum !== undefined && schema.maximum !== undefined) said.push(schema.minimum + " to " + schema.maximum + ".");
  return said.filter(Boolean).join(" ");
}

function row(name, required, schema, description) {
  return element("tr", null,
    element("td", null, element("code", null, name), required ? element("span", { class: "must" }, "required") : null),
    element("td", null, ...kind(schema)),
    element("td", null, remarks(schema, description)));
}

const table = (rows) => element("div", { class: "scroll" }, element("table", null, element("tbody", null, ...rows)));

// fields marks what is required, unless everything is.
function fields(schema) {
  const all = Object.keys(schema.properties).length === (schema.required || []).length;
  const required = all ? [] : schema.required || [];
  return table(Object.entries(schema.properties).map(([name, property]) => row(name, required.includes(name), property)));
}

function parameters(operation) {
  const listed = (operation.parameters || []).map(resolve).filter((p) => p.name !== "X-Request-Id");
  if (!listed.length) return [];
  return [element("h4", null, "Parameters"),
    table(listed.map((p) => row(p.name, p.required, p.schema, p.description + (p.in === "header" ? " (Header.)" : ""))))];
}

function contentSchema(content) {
  const [media] = Object.values(content || {});
  return media && media.schema;
}

function request(method, path, operation) {
  const body = operation.requestBody;
  if (!body) return [];
  const described = resolve(contentSchema(body.content));
  const shown = [element("h4", null, "Body")];
  shown.push(described.properties ? fields(described) : element("p", null, ...kind(described)));
  const example = body.content["application/json"] && body.content["application/json"].example;
  if (example) {
    const curl = "curl -X " + method.toUpperCase() + " " + location.origin + path + " \\\n" +
      "  -H 'Authorization: Bearer psk_…' -H 'Content-Type: application/json' \\\n" +
      "  -d '" + JSON.stringify(example) + "'";
    shown.push(element("div", { class: "scroll" }, element("pre", { tabindex: "0" }, curl)));
  }
  return shown;
}

function responses(operation) {
  const rows = Object.entries(operation.responses).map(([status, response]) => {
    const { description, content } = resolve(response);
    const schema = contentSchema(content);
    return element("tr", null,
      element("td", null, element("code", null, status)),
      element("td", null, ...(schema ? kind(schema) : ["—"])),
      element("td", null, description));
  });
  return [element("h4", null, "Answers"), table(rows)];
}

const missing = (operation) => !Object.keys(operation.responses).some((status) => status < "400");
const soon = (operation) => (missing(operation) ? element("span", { class: "soon" }, "not yet") : null);

// scopeOf says who may call an operation.
function scopeOf(operation) {
  const [security] = operation.security;
  if (!security) return "no key needed";
  return security.key ? "scope " + security.key.join(", ") : "signed by the provider";
}

function article(path, method, operation) {
  const shown = element("article", { id: operation.operationId },
    element("h3", null, operation.summary, " ", soon(operation)),
    element("div", { class: "call" },
      element("span", { class: "method " + method }, method.toUpperCase()),
      element("code", null, path),
      element("span", { class: "scope" }, scopeOf(operation))));
  if (missing(operation)) return shown;
  if (operation.description) shown.append(element("p", null, operation.description));
  shown.append(...parameters(operation), ...request(method, path, operation), ...responses(operation));
  return shown;
}

function section(tag, operations) {
  return element("section", { id: "tag-" + tag.name },
    element("h2", null, tag.name), element("p", { class: "quiet" }, tag.description),
    ...operations.map((o) => article(o.path, o.method, o.operation)));
}

function schema(name, described) {
  const shown = element("article", { id: "schema-" + name }, element("h3", null, name));
  if (described.description) shown.append(element("p", null, described.description));
  if (described.properties) shown.append(fields(described));
  else if (described.enum) shown.append(element("p", null, "One of " + described.enum.join(", ") + "."));
  return shown;
}

function codes() {
  const all = contract.components.schemas.Problem.properties.code.enum;
  return element("section", { id: "codes" }, element("h2", null, "Codes"),
    element("p", { class: "quiet" }, "What the code of a problem can be. New ones may come; these stay."),
    element("ul", { class: "codes" }, ...all.map((code) => element("li", null, element("code", null, code)))));
}

function contents(groups) {
  const link = (href, text, mark) => element("li", null, element("a", { href }, text, mark ? " " : null, mark));
  const shown = [element("a", { class: "brand", href: "#main" }, contract.info.title + " API")];
  for (const [tag, operations] of groups) {
    shown.push(element("h2", null, tag.name),
      element("ul", null, ...operations.map((o) => link("#" + o.operation.operationId, o.operation.summary, soon(o.operation)))));
  }
  shown.push(element("h2", null, "Reference"),
    element("ul", null, link("#schemas", "Schemas"), link("#codes", "Codes"), link("/openapi.json", "openapi.json")));
  return shown;
}

function show() {
  const operations = Object.entries(contract.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
  const groups = contract.tags.map((tag) => [tag, operations.filter((o) => o.operation.tags.includes(tag.name))]);
  document.getElementById("contents").replaceChildren(...contents(groups));
  document.getElementById("main").replaceChildren(
    element("h1", null, contract.info.title + " API"),
    element("p", null, contract.info.summary), element("p", null, contract.info.description),
    element("p", null, contract.components.securitySchemes.key.description),
    ...groups.map(([tag, listed]) => section(tag, listed)),
    element("section", { id: "schemas" }, element("h2", null, "Schemas"),
      ...Object.entries(contract.components.schemas).map(([name, s]) => schema(name, s))),
    codes());
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

async function start() {
  try {
    const answer = await fetch("/openapi.json");
    if (!answer.ok) throw new Error("it was answered with " + answer.status);
    contract = await answer.json();
    show();
  } catch (error) {
    document.getElementById("loading")?.replaceChildren("The contract could not be shown: " + error.message);
  }
}

start();
