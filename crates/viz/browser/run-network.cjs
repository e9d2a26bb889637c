/**
 * Runs a network as the report does. The argument is a file with `{network, samples}`; each sample
 * holds the values of the network's inputs by name. Prints the outputs as JSON.
 */
const { readFileSync } = require("node:fs");
const Networks = require("../report/networks.js");

const { network, samples } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const run = Networks.compile(network, Networks.bytes(network.data));
console.log(JSON.stringify(samples.map((sample) => Array.from(run(sample)))));
