// GitHub's published description of its API, as a judge: which operation a request is, and whether it fits.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

export class Contract {
  constructor(modules) {
    const require = createRequire(path.join(modules, "index.js"));
    const Ajv = require("ajv").default;
    const file = path.join(modules, "@octokit/openapi/generated/api.github.com.json");
    this.description = nullable(JSON.parse(readFileSync(file, "utf8")));
    const formats = require("ajv-formats").default;
    this.ajv = formats(new Ajv({ strict: false, validateSchema: false }));
    this.ajv.addSchema(this.description, "github");
    this.compiled = new Map();
    this.operations = Object.entries(this.description.paths).map(([template, methods]) => {
      const names = [];
      const pattern = template.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{(\w+)\}/g, (_, name) => {
        names.push(name);
        return "([^/]+)";
      });
      return { template, methods, names, pattern: new RegExp(`^${pattern}$`) };
    });
    // A literal segment goes before a parameter.
    this.operations.sort((a, b) => a.names.length - b.names.length);
  }

  resolve(value) {
    if (!value?.$ref) return value;
    return value.$ref.slice(2).split("/").reduce((at, key) => at[key.replaceAll("~1", "/").replaceAll("~0", "~")], this.description);
  }

  // A copy of the description's own example, to be filled in.
  example(name) {
    return structuredClone(this.description.components.examples[name].value);
  }

  faults(schema, value) {
    const absolute = (node) => {
      if (Array.isArray(node)) return node.map(absolute);
      if (!node || typeof node !== "object") return node;
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, key === "$ref" && typeof value === "string" ? `github${value}` : absolute(value)]));
    };
    const check = this.compiled.get(schema) ?? this.ajv.compile(absolute(schema));
    this.compiled.set(schema, check);
    return check(value) ? [] : check.errors.map((error) => `${error.instancePath || "it"} ${error.message}`);
  }

  // The same for a text of the address: it may stand for a number or a truth.
  spelt(schema, text) {
    const readings = [text, ...(/^-?\d+$/.test(text) ? [Number(text)] : []), ...(/^(true|false)$/.test(text) ? [text === "true"] : [])];
    const faults = readings.map((value) => this.faults(schema, value));
    return faults.some((each) => each.length === 0) ? [] : faults[0];
  }

  // The operation that a request is, with its path's parameters and what does not fit.
  request(method, pathname, query, headers, body) {
    for (const operation of this.operations) {
      const values = operation.pattern.exec(pathname);
      const call = values && operation.methods[method.toLowerCase()];
      if (!call) continue;
      const named = Object.fromEntries(operation.names.map((name, index) => [name, decodeURIComponent(values[index + 1])]));
      const faults = [];
      const declared = (call.parameters ?? []).map((parameter) => this.resolve(parameter));
      for (const [where, given] of [["path", named], ["query", Object.fromEntries(query)]]) {
        const known = declared.filter((parameter) => parameter.in === where);
        for (const [name, value] of Object.entries(given)) {
          const parameter = known.find((parameter) => parameter.name === name);
          if (!parameter) faults.push(`${where} parameter ${name} is not described`);
          else faults.push(...ends(parameter.schema, value).flatMap((end) => this.spelt(parameter.schema, end)).map((fault) => `${where} parameter ${name}: ${fault}`));
        }
        for (const parameter of known.filter((parameter) => parameter.required && !(parameter.name in given))) faults.push(`${where} parameter ${parameter.name} is missing`);
      }
      const described = this.resolve(call.requestBody);
      if (described) {
        const schema = described.content["application/json"]?.schema;
        if (body === undefined) faults.push(...(described.required ? ["the body is missing"] : []));
        else if (!/^application\/json\b/.test(headers["content-type"] ?? "")) faults.push("the body is not said to be JSON");
        else faults.push(...this.faults(schema, body).map((fault) => `body: ${fault}`));
      } else if (body !== undefined) faults.push("a body where none is described");
      return { operation: `${method} ${operation.template}`, call, named, faults };
    }
    return { faults: [`${method} ${pathname} is no operation of the API`] };
  }

  // What is wrong with an answer of our own.
  answer(call, status, body) {
    const described = this.resolve(call.responses[status]);
    if (!described) return [`status ${status} is not described`];
    const schema = described.content?.["application/json"]?.schema;
    if (!schema) return body === undefined ? [] : ["a body where none is described"];
    return this.faults(schema, body);
  }
}

// Where GitHub's description says one moment, its documentation allows a range, `A..B`: each end is held to the description.
function ends(schema, value) {
  return schema?.format === "date-time" && value.includes("..") ? value.split("..", 2) : [value];
}

// `nullable` of OpenAPI 3.0 as JSON Schema says it.
function nullable(node) {
  if (Array.isArray(node)) return node.map(nullable);
  if (!node || typeof node !== "object") return node;
  const { nullable: may, ...rest } = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, nullable(value)]));
  if (may !== true) return may === undefined ? rest : { ...rest, ...(may && typeof may === "object" ? { nullable: may } : {}) };
  return { anyOf: [rest, { type: "null" }] };
}
