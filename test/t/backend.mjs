// A shop's backend in JavaScript, as in the README: node-postgres, a role that is not a superuser, and values as parameters.

import pg from 'pg'

import { equal, main, ok } from './support/tap.mjs'

const connection = { host: process.env.PGHOST, port: process.env.PGPORT, database: process.env.PGDATABASE }
const admin = new pg.Client({ ...connection, user: process.env.PGUSER })
const role = 'shop_' + process.env.PGDATABASE

await admin.connect()
await admin.query(`CREATE ROLE "${role}" LOGIN`)
await admin.query('SELECT djust_auth.grant_api($1::regrole, $2)', [role, 'backend'])
await admin.query("INSERT INTO djust_auth.profile (name) VALUES ('customer')")
await admin.query("INSERT INTO djust_auth.profile_right VALUES ('customer', '/orders/{id}', 'write')")
await admin.query("SELECT djust_auth.create_user('ann@shop.example', 'Tulips-4-Ann', '{customer}')")

const pool = new pg.Pool({ ...connection, user: role, max: 4 })

// The README's functions

async function call(text, ...values) {
	const { rows } = await pool.query(text, values)
	return rows[0].answer
}

const login = (email, password) => call('SELECT djust_login($1, $2) AS answer', email, password)
const can = (accessToken, route, access) => call('SELECT djust_can($1, $2, $3) AS answer', accessToken, route, access)
const refresh = (refreshToken) => call('SELECT djust_refresh($1) AS answer', refreshToken)
const logout = (token) => call('SELECT djust_logout($1) AS answer', token)

async function snippets() {
	const tokens = await login('ann@shop.example', 'Tulips-4-Ann')
	equal([Object.keys(tokens).sort(), tokens.token_type, tokens.expires_in, tokens.refresh_expires_in],
		[['access_token', 'expires_in', 'refresh_expires_in', 'refresh_token', 'token_type'], 'Bearer', 600, 7200], 'login: tokens')
	equal(await Promise.all(['GET', 'POST', 'DELETE'].map((method) => can(tokens.access_token, '/orders/17', method))), [true, true, true],
		'can: what the profile gives')
	equal(await Promise.all(['/orders', '/orders/17/lines', '/orders/%2e%2e', '/customers/17'].map((route) => can(tokens.access_token, route, 'GET'))),
		[false, false, false, false], 'can: and nothing else')
	equal(await can(null, '/orders/17', 'GET'), false, 'can: not for anonymous')
	const renewed = await refresh(tokens.refresh_token)
	equal(Object.keys(renewed).sort(), Object.keys(tokens).sort(), 'refresh: tokens')
	equal([await can(tokens.access_token, '/orders/17', 'GET'), await can(renewed.access_token, '/orders/17', 'GET')], [true, true], 'both good')
	const [first, second] = await Promise.all([refresh(renewed.refresh_token), refresh(renewed.refresh_token)])
	equal(first.refresh_token, second.refresh_token, 'two tabs that refresh at once get one refresh token')
	equal(await logout(first.refresh_token), true, 'logout')
	equal(await Promise.all([tokens, renewed, first, second].map((each) => can(each.access_token, '/orders/17', 'GET'))),
		[false, false, false, false], 'ends every access token of the session')
	equal((await refresh(first.refresh_token)).error, 'invalid_grant', 'and the refresh token')
	equal(await logout(first.access_token), false, 'a second logout finds nothing')
	const wrong = await login('ann@shop.example', 'Nettles-6-Eve')
	equal([wrong.error, Object.keys(wrong)], ['invalid_grant', ['error', 'error_description']], 'a wrong password is an answer')
	equal(await login('nobody@shop.example', 'Nettles-6-Eve'), wrong, 'and the same as for an address nobody has')
}

async function preparedStatements() {
	const { access_token: token } = await login('ann@shop.example', 'Tulips-4-Ann')
	const query = { name: 'can', text: 'SELECT djust_can($1, $2, $3) AS answer', values: [token, '/orders/17', 'GET'] }
	const client = await pool.connect()
	const answers = []
	for (let i = 0; i < 7; i++) answers.push((await client.query(query)).rows[0].answer)
	await logout(token)
	answers.push((await client.query(query)).rows[0].answer)
	client.release()
	equal(answers, [true, true, true, true, true, true, true, false], 'a prepared statement knows of a logout elsewhere')
}

async function clean() {
	await pool.end()
	await admin.query(`DROP OWNED BY "${role}"`)
	await admin.query(`DROP ROLE "${role}"`)
	ok(true, 'the role can be dropped')
}

await main(snippets, preparedStatements, clean)
