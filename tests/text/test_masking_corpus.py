"""Command lines as people write them: sixty and more with a planted secret, and as many that must be shown whole."""

from __future__ import annotations

import shlex

from sentinel_tasks.text.masking import masked, masked_text

PLANTED = "hunter2x"
LONG = "hunter2xAbCdEf0123456789hunter2xAbCdEf01"

WITH_A_SECRET = """
mysql -phunter2x -u root app
mysqldump -u root -phunter2x --all-databases
mariadb -phunter2x app
mysql --password=hunter2x app
mysql --password hunter2x app
MYSQL_PWD=hunter2x mysql app
PGPASSWORD=hunter2x psql -h db app
psql postgres://bob:hunter2x@db/app
psql "host=db password=hunter2x user=bob"
redis-cli -a hunter2x ping
redis-cli --pass hunter2x ping
valkey-cli -h db -a hunter2x ping
redis-server --requirepass hunter2x
redis-server --masterauth hunter2x
redis-cli -u redis://:hunter2x@db:6379
curl -u bob:hunter2x http://localhost:3000
curl -ubob:hunter2x http://localhost:3000
curl --user bob:hunter2x http://localhost:3000
curl --proxy-user bob:hunter2x http://localhost:3000
curl -U bob:hunter2x http://localhost
curl -H 'Authorization: Bearer hunter2xhunter2x' http://localhost
curl -H 'X-Api-Key: hunter2x' http://localhost
curl -H 'Cookie: session=hunter2x' http://localhost
curl http://localhost/?token=hunter2x&page=2
curl 'http://localhost/?a=1&api_key=hunter2x'
curl 'https://blob/x?sv=2020&sig=hunter2x%3D'
curl 'https://s3/x?X-Amz-Signature=hunter2x&X-Amz-Date=1'
curl -d '{"password": "hunter2x", "user": "bob"}' http://localhost
curl -d 'client_secret=hunter2x&grant=x' http://localhost
http -a bob:hunter2x GET localhost:3000
wget --http-password=hunter2x http://localhost
docker run --env=API_KEY=hunter2x app
docker run -e API_KEY=hunter2x app
docker run --env API_KEY=hunter2x app
docker login -u bob -p hunter2x
docker build --build-arg NPM_TOKEN=hunter2x .
sshpass -p hunter2x ssh host
sshpass -phunter2x ssh host
unzip -P hunter2x file.zip
7z x -phunter2x file.7z
ldapsearch -x -D cn=admin -w hunter2x
smbclient //host/share -U bob%hunter2x
openssl enc -pass pass:hunter2x -in x
openssl rsa -passin pass:hunter2x -in key.pem
aws configure set aws_secret_access_key hunter2x
AWS_SECRET_ACCESS_KEY=hunter2x aws s3 ls
git clone https://hunter2x@example.com/app.git
git clone https://bob:hunter2x@example.com/app.git
npm publish --//registry/:_authToken=hunter2x
app --token hunter2x --port 80
app -phunter2x --port 80
python3 srv.py 3000 -phunter2xsecretpw
app --token=hunter2x
app --auth-token hunter2x
app --api-key=hunter2x
app --secret hunter2x
app -secret hunter2x
app --client-secret=hunter2x
app --dbPassword=hunter2x
app --jwt hunter2x
app --encryption-key hunter2x
env DJANGO_SECRET_KEY=hunter2x python manage.py runserver
SENTRY_DSN=hunter2x python app.py
DATABASE_URL=postgres://bob:hunter2x@db/app python app.py
DB_PASS='hunter2x more' python app.py
ACCOUNT_KEY=hunter2x python app.py
STRIPE=sk_live_hunter2xhunter2x python app.py
STRIPE=rk_test_hunter2xhunter2x python app.py
GOOGLE=AIzahunter2xAbCdEf0123456789hunter2xAbCdEf python app.py
huggingface-cli login hf_hunter2xAbCdEf0123456789
npm config set x npm_hunter2xAbCdEf0123456789hunter2xAb
twine upload pypi-hunter2xAbCdEf0123456789hunter2xAb
app ghp_hunter2xAbCdEf0123456789
app glpat-hunter2xAbCdEf0123456789
app xoxb-hunter2x-hunter2x
app sk-hunter2xAbCdEf0123456789
app --pass hunter2x AKIA0123456789HUNTER
app eyJhunter2x.eyJhunter2xx.sig
curl https://hooks.slack.com/services/T0/B0/hunter2x
curl https://discord.com/api/webhooks/1234/hunter2x
python -c run(token='hunter2x')
celery -A app worker --broker=amqp://bob:hunter2x@mq//
""".strip().splitlines()

WITHOUT = """
python -m http.server 8000
python manage.py runserver 127.0.0.1:8000
node --max-old-space-size=512 server.js
npm run dev -- --port 3000 --strictPort
npx vite --host --port 5173
uvicorn app:app --reload --port 8000
gunicorn -w 4 -b 127.0.0.1:8000 app:app
celery -A app worker --loglevel=info
flask --app app run --debug
docker run -p 8080:80 -u 1000:1000 nginx
docker compose up -d db
docker exec -u postgres db psql
ssh -p2222 host
virtualenv -ppython3 .venv
virtualenv -ppython3.11 .venv
gcc -pthread -pipe -pedantic a.c
docker run -p8080:80 nginx
ffmpeg -i a.mp4 -pix_fmt yuv420p out.mp4
ls -paths
patch -p1
scp -P 2222 file host:/tmp
redis-server --port 6379 --appendonly yes
redis-cli -p 6379 ping
psql -h localhost -p 5432 -U bob app
pg_ctl -D data start
postgres -D data -p 5432
mysql -u root -p app
mysqld --port=3306 --datadir=data
nginx -g 'daemon off;' -p conf
git log --author=bob --since=yesterday
git commit --author bob
git push origin main
jest --passWithNoTests src --path x
pytest -p no:cacheprovider -k token_bucket
python train.py --tokenizer bert-base --max-tokens 4096
python serve.py --max-tokens=4096 --num_tokens=12
TOKENIZERS_PARALLELISM=false python train.py
python -m tokenize file.py
app --bypass-cache --compass=north
app --keyboard us --monkey=1
app --author-name=bob --authority=ca
app --no-auth --auth=false
app --cookie-domain=example.com --cookie-secure=true
app --public-key=id.pub
app --key=value --keys=a,b
app --path=/usr/bin --port=80
app --passive --passes=3
app --secretary=bob
app --user bob --group staff
app -u bob -p 80
app -a -b -c
app --env=production --name=web
app --url=http://localhost:3000/api?page=2&size=10
app --session-timeout=30
env NODE_ENV=development DEBUG=app:* node server.js
PORT=3000 HOST=0.0.0.0 node server.js
PYTHONPATH=src LOG_LEVEL=debug python -m app
make -j4 all
tar -xzf file.tar.gz -C /tmp
zip -r file.zip src
7z x file.7z
grep -rn password src
echo change your password
cat /etc/passwd
openssl version -a
ldapsearch -x -H ldap://localhost
kubectl get secrets -n default
kubectl port-forward svc/web 8080:80
aws s3 ls s3://bucket/key
curl -s http://localhost:3000/healthz
curl -X POST -d '{"user": "bob", "page": 2}' http://localhost
wget -q -O - http://localhost
http GET localhost:3000 page==2
bun run dev
deno run --allow-net --allow-read server.ts
ruby -S bundle exec rails server -p 3000
bundle exec sidekiq -c 5
go run ./cmd/server -addr :8080
cargo run --release -- --port 8080
java -jar app.jar --server.port=8080
php -S localhost:8000 -t public
mix phx.server
hypercorn app:app --bind 0.0.0.0:8000
watchmedo auto-restart -d src -- python app.py
sh -c 'cd web && exec npm start'
tail -f log/development.log
sleep 1000
""".strip().splitlines()


def test_there_are_enough_of_both() -> None:
    assert len(WITH_A_SECRET) >= 60
    assert len(WITHOUT) >= 60
    assert all("hunter2x" in line for line in WITH_A_SECRET)


def shown(line: str) -> list[str]:
    """In each way in which a command line is shown."""
    return [masked_text(line), " ".join(masked(shlex.split(line))), " ".join(masked(["sh", "-c", line]))]


def test_a_planted_secret_is_shown_nowhere() -> None:
    assert [each for line in WITH_A_SECRET for each in shown(line) if PLANTED in each] == []


def test_plain_words_are_shown_whole() -> None:
    assert [each for line in WITHOUT if (each := masked_text(line)) != line] == []
    assert [line for line in WITHOUT if masked(shlex.split(line)) != shlex.split(line)] == []
