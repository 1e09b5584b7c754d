// Runs requests through tedious and prints what came of them, as JSON.
//
// stdin: {"port": 1433, "options": {..}, "database": "", "steps": [..]}; a step
// is {"batch": sql}, {"sql": sql, "parameters": [[name, type, value, output]],
// "type_options"}, {"prepare": sql, "parameters", "executions": [values]},
// {"transaction": [steps], "end": "commit" or "rollback"},
// {"cancel": sql, "after": rows} (no rows: at once).
//
// Values that JSON does not have are objects: {"bytes": hex},
// {"ms": since 1970, "delta": seconds below the millisecond}.
'use strict';

const {Connection, Request, TYPES} = require('tedious');

function plain(value) {
  if (Buffer.isBuffer(value)) {
    return {bytes: value.toString('hex')};
  }
  if (value instanceof Date) {
    return {ms: value.getTime(), delta: value.nanosecondsDelta || 0};
  }
  return value;
}

class Results {
  constructor() {
    this.results = [];
    this.outputs = {};
  }

  watch(request) {
    request.on('columnMetadata', (columns) => {
      this.results.push({
        columns: columns.map((column) => column.colName),
        types: columns.map((column) => column.type.name),
        rows: [],
      });
    });
    request.on('row', (columns) => {
      this.results[this.results.length - 1].rows.push(
        columns.map((column) => plain(column.value)));
    });
    request.on('returnValue', (name, value) => {
      this.outputs[name] = plain(value);
    });
    return request;
  }

  told(error, count) {
    return {
      results: this.results, outputs: this.outputs, count,
      error: error ? {number: error.number, code: error.code,
        message: error.message, class: error.class, state: error.state} : null,
    };
  }
}

function run(connection, start, build) {
  return new Promise((resolve) => {
    const results = new Results();
    const request = build((error, count) => resolve(
      results.told(error, count)));
    results.watch(request);
    start(request);
  });
}

function addParameters(request, parameters) {
  for (const [name, type, value, output, options] of parameters || []) {
    const given = value && value.bytes !== undefined ?
      Buffer.from(value.bytes, 'hex') :
      value && value.ms !== undefined ? new Date(value.ms) : value;
    if (output) {
      request.addOutputParameter(name, TYPES[type], given, options);
    } else {
      request.addParameter(name, TYPES[type], given, options);
    }
  }
  return request;
}

async function prepared(connection, step) {
  const results = [];
  const request = addParameters(
    new Request(step.prepare, () => {}), step.parameters);
  await new Promise((resolve, reject) => {
    request.once('prepared', resolve);
    request.on('error', reject);
    connection.prepare(request);
  });
  for (const values of step.executions) {
    const one = new Results();
    request.removeAllListeners('columnMetadata');
    request.removeAllListeners('row');
    results.push(await new Promise((resolve) => {
      request.userCallback = (error, count) => resolve(
        one.told(error, count));
      request.callback = request.userCallback;
      one.watch(request);
      connection.execute(request, values);
    }));
  }
  return {executions: results};
}

async function transaction(connection, step) {
  const begun = await new Promise((resolve) =>
    connection.beginTransaction((error) => resolve(error), 'named'));
  const inner = [];
  for (const one of step.transaction) {
    inner.push(await perform(connection, one));
  }
  const ended = await new Promise((resolve) => {
    const done = (error) => resolve(error);
    if (step.end === 'commit') {
      connection.commitTransaction(done);
    } else {
      connection.rollbackTransaction(done);
    }
  });
  return {begun: begun && begun.message, inner, ended: ended && ended.message};
}

function cancelled(connection, step) {
  return run(connection, (request) => {
    let seen = 0;
    if (step.after) {
      request.on('row', () => {
        if (++seen === step.after) {
          connection.cancel();
        }
      });
    } else {
      request.on('requestCompleted', () => {});
      setImmediate(() => connection.cancel());
    }
    connection.execSqlBatch(request);
  }, (done) => new Request(step.cancel, done));
}

function perform(connection, step) {
  if (step.transaction) {
    return transaction(connection, step);
  }
  if (step.prepare) {
    return prepared(connection, step);
  }
  if (step.cancel) {
    return cancelled(connection, step);
  }
  if (step.batch) {
    return run(connection, (request) => connection.execSqlBatch(request),
               (done) => new Request(step.batch, done));
  }
  return run(connection, (request) => {
    addParameters(request, step.parameters);
    connection.execSql(request);
  }, (done) => new Request(step.sql, done));
}

async function main(told) {
  const connection = new Connection({
    server: '127.0.0.1',
    authentication: {type: 'default', options: {
      userName: told.user || 'sa', password: told.password || 'Password!'}},
    options: {port: told.port, database: told.database || 'testDB',
      rowCollectionOnRequestCompletion: false, useColumnNames: false,
      connectTimeout: 60000, requestTimeout: 0, ...told.options},
  });
  const infos = [];
  connection.on('infoMessage', (info) => infos.push(
    {number: info.number, message: info.message}));
  const failure = await new Promise((resolve) =>
    connection.connect((error) => resolve(error)));
  const steps = [];
  if (!failure) {
    connection.on('error', (error) => infos.push({error: error.message}));
    for (const step of told.steps) {
      steps.push(await perform(connection, step));
    }
    connection.close();
  }
  process.stdout.write(JSON.stringify({
    failure: failure && {message: failure.message, code: failure.code},
    steps, infos}));
}

let input = '';
process.stdin.on('data', (data) => {
  input += data;
}).on('end', () => main(JSON.parse(input)));
