# An application in Python: the same requests and answers as app-process.mjs.
import json, sqlite3, sys, time

connections, cursors = {}, {}

def rows(cursor):
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row)) for row in cursor.fetchall()]

def act(request):
    name, on = request['act'], request.get('on')
    if name == 'open':
        connections[on] = sqlite3.connect(request['path'], timeout=5, isolation_level=None)
        connections[on].execute('pragma synchronous = normal')
    elif name == 'close':
        connections.pop(on).close()
    elif name == 'run':
        return connections[on].execute(request['sql'], request['values']).rowcount
    elif name == 'all':
        return rows(connections[on].execute(request['sql'], request['values']))
    elif name == 'exec':
        for statement in request['sql'].split(';'):
            if statement.strip():
                connections[on].execute(statement)
    elif name == 'begin':
        cursors[on] = connections[on].execute(request['sql'])
        cursors[on].fetchone()
    elif name == 'end':
        cursors.pop(on).close()
    elif name == 'busy':
        end, times = time.time() + request['ms'] / 1000, 0
        while time.time() < end:
            connections[on].execute(request['sql']).fetchall()
            times += 1
        return times

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {'id': request['id'], 'result': act(request)}
    except Exception as error:
        answer = {'id': request['id'], 'error': str(error)}
    print(json.dumps(answer), flush=True)
