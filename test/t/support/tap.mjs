// What the JavaScript programs of test/t share: test points (https://testanything.org), the plan last.

import { isDeepStrictEqual } from 'node:util'

let points = 0
let failures = 0

export function ok(good, name, detail) {
	points++
	console.log(`${good ? 'ok' : 'not ok'} ${points} - ${name}`)
	if (!good) {
		failures++
		if (detail !== undefined) console.log('# ' + String(detail).replaceAll('\n', '\n# '))
	}
	return good
}

export function equal(got, expected, name) {
	return ok(isDeepStrictEqual(got, expected), name, `got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`)
}

// The promise must end in an error whose code (of PostgreSQL or jose) is this one.
export async function fails(code, promise, name) {
	try {
		ok(false, name, `got ${JSON.stringify(await promise)}, expected ${code}`)
	} catch (error) {
		ok(error.code === code, name, `got ${error.code} ${error.message}, expected ${code}`)
	}
}

export async function until(condition, what, patience = 60) {
	const deadline = performance.now() + patience * 1000
	while (!await condition()) {
		if (performance.now() > deadline) throw new Error(`waited ${patience} s for ${what}`)
		await new Promise(resolve => setTimeout(resolve, 10))
	}
}

// Runs the parts one after the other; one that breaks off is a failure and the next one still runs.
export async function main(...parts) {
	for (const part of parts) {
		console.log('# ' + part.name)
		try {
			await part()
		} catch (error) {
			ok(false, `${part.name} breaks off`, error.stack)
		}
	}
	console.log(`1..${points}`)
	process.exit(failures ? 1 : 0)
}
