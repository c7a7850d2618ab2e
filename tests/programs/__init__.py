"""Real programs under the tasks: what becomes of each when its window, its launcher or itself is killed.

`make programs` prints a table. It is no part of the test suite, because of what it needs. On Debian:
`apt-get install redis-server nginx memcached postgresql caddy npm`, and `npm install pm2` somewhere, whose
`node_modules/.bin` is named in `PM2_BIN`.
"""
